/** RTP packets of telephone sound are this far apart. */
export const packetMs = 20
/** Samples in a packet, at 8 kHz. */
export const packetSamples = 160

/** Whoever wants to be called every 20 ms. `packets` is how many are due, normally one. */
export type Ticker = (packets: number) => void

/** When the process was held up for longer, what was missed is skipped rather than sent in a burst. */
const mostAtOnce = 10

const tickers = new Set<Ticker>()
let running: NodeJS.Timeout | undefined
let startedAt = 0
let ticked = 0

/**
 * Calls `ticker` every 20 ms until the returned function is called. One timer serves every call
 * of the process, and is set by the clock rather than by the last tick, so that nothing drifts.
 */
export function everyPacket(ticker: Ticker): () => void {
  tickers.add(ticker)
  if (running === undefined) {
    startedAt = performance.now()
    ticked = 0
    schedule()
  }
  return () => {
    tickers.delete(ticker)
    if (tickers.size > 0) return
    clearTimeout(running)
    running = undefined
  }
}

function schedule(): void {
  running = setTimeout(tick, Math.max(1, startedAt + (ticked + 1) * packetMs - performance.now()))
}

function tick(): void {
  const due = Math.floor((performance.now() - startedAt) / packetMs) - ticked
  ticked += due
  schedule()
  if (due > 0) for (const ticker of tickers) ticker(Math.min(due, mostAtOnce))
}
