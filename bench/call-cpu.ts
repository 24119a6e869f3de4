/**
 * What Node spends on a whole call, beside a bare handler that sends the same
 * commands: two processes, two Asterisks, the same callers and agents in turn.
 * They are played here, in a third process.
 */
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import { BareSide } from './hotline/bare-side.ts'
import { BenchPforte } from './hotline/bench-pforte.ts'
import { WholeCallsLoad } from './load/whole-calls.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 2: "under 6 ms, and at most twice that of a bare handler". */
const BAR_MS = 6
const BAR_RATIO = 2

const CALLS_A_ROUND = 300
const ROUNDS = 5
/** Until then most of what a call needs is compiled; Pforte runs for months. */
const WARM_UP_CALLS = 900
const PER_SECOND = 30
/** A call keeps an agent busy for less than two seconds. */
const AGENTS = 70
const PINS = 20
/** Beyond those that the kernel hands out; two a leg, and some rest before they are used again. */
const RTP_PORTS = '61000-63199'
const BARE_RTP_PORTS = { from: 63_200, to: 65_399 }

type Side = { name: string; load: WholeCallsLoad; cpuMs: () => Promise<number>; spentMs: number[]; failures: string[] }

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('call-cpu: starting Pforte and the bare handler, each with its Asterisk')
  const pforte = await BenchPforte.start({ agents: AGENTS }, { RTP_PORTS })
  let bare: BareSide | null = null
  const loads: WholeCallsLoad[] = []
  try {
    bare = await BareSide.start(AGENTS, await welcome(pforte), BARE_RTP_PORTS)
    const pins: string[] = []
    for (let number = 0; number < PINS; number++) pins.push((await pforte.pforte.admit()).pin)
    const load = async (
      line: string,
      registrar: { host: string; port: number },
      accounts: BareSide['accounts'],
    ): Promise<WholeCallsLoad> => {
      const prepared = await WholeCallsLoad.prepare({ line, registrar, accounts, pins, perSecond: PER_SECOND })
      loads.push(prepared)
      return prepared
    }
    const bareSide = bare
    const bareLoad = await load(bare.lineUri, bare.sip, bare.accounts)
    const sides: Side[] = [
      { name: 'the bare handler', load: bareLoad, cpuMs: async () => (await bareSide.figures()).cpuMs, spentMs: [], failures: [] },
      {
        name: 'Pforte',
        load: await load(pforte.lineUri, pforte.pforte.sip, pforte.team('a')),
        cpuMs: async () => (await pforte.figures()).cpuMs,
        spentMs: [],
        failures: [],
      },
    ]
    for (const { name, load } of sides) {
      progress.step(`call-cpu: warming up ${name}`)
      await load.run(WARM_UP_CALLS)
    }
    for (let round = 1; round <= ROUNDS; round++) {
      for (const side of sides) {
        progress.step(`call-cpu: round ${round}, ${CALLS_A_ROUND} calls through ${side.name}`)
        side.spentMs.push(await measure(side))
      }
    }
    progress.step('call-cpu: the bare handler with Pforte’s event filter')
    await bare.hearOnlyWhatPforteHears()
    const filteredMs = await measure(sides[0]!)
    progress.done('call-cpu')
    return figuresOf(sides[1]!, sides[0]!, filteredMs)
  } finally {
    for (const load of loads) await load.close()
    await bare?.stop()
    await pforte.stop()
  }
}

/** @returns CPU time of one call */
async function measure({ load, cpuMs, failures }: Side): Promise<number> {
  const before = await cpuMs()
  failures.push(...(await load.run(CALLS_A_ROUND)).failures)
  return ((await cpuMs()) - before) / CALLS_A_ROUND
}

/** The welcome and the question for the PIN, from the same address from which Pforte's callers get them. */
async function welcome({ pforte }: BenchPforte): Promise<string> {
  const { rows } = await pforte.db.query<{ hash: string }>(
    `SELECT prompts -> name ->> 'de' AS hash FROM flows, unnest(ARRAY['welcome', 'ask_pin']) name WHERE prompts ? name`,
  )
  return rows.map(({ hash }) => `sound:${pforte.url}/prompts/${hash}.wav`).join(',')
}

function figuresOf(pforte: Side, bare: Side, filteredMs: number): Figure[] {
  const name = 'call-cpu'
  // By turns and the middle of them: what else this machine does falls on some rounds and not on others.
  const [pforteMs, bareMs] = [quantile(pforte.spentMs, 0.5), quantile(bare.spentMs, 0.5)]
  const ratio = quantile(
    pforte.spentMs.map((spent, round) => spent / bare.spentMs[round]!),
    0.5,
  )
  const calls = ROUNDS * CALLS_A_ROUND
  const { failures } = pforte
  return [
    judged(name, 'Node’s CPU for a whole call', ms(pforteMs), `< ${BAR_MS} ms`, pforteMs < BAR_MS),
    judged(name, '  beside a bare handler', `${ratio.toFixed(2)} ×`, `≤ ${BAR_RATIO} ×`, ratio <= BAR_RATIO),
    told(name, '  the bare handler', ms(bareMs)),
    told(name, '  the bare handler, with Pforte’s event filter', ms(filteredMs)),
    judged(
      name,
      `  calls that went through, ${PER_SECOND} a second`,
      `${calls - failures.length} of ${calls}`,
      'all',
      failures.length === 0,
    ),
    ...(failures.length === 0 ? [] : [told(name, `  ! ${failures[0]}`, '')]),
  ]
}
