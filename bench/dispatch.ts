/**
 * From the last digit of a right PIN to the ring of a free agent's phone: the
 * end of the key's tone leaves the caller's phone, the INVITE reaches the
 * agent's. Both are ours, so one clock measures it. Calls go on meanwhile.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Phone } from '../src/local/phone/phone.ts'
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import { BenchPforte } from './hotline/bench-pforte.ts'
import { OTHER_QUEUE } from './hotline/service.ts'
import type { BackgroundSettings } from './load/background.ts'
import { Team } from './load/team.ts'
import { within } from './load/within.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 2: "p99 under 50 ms with 20 calls under way". */
const BAR_MS = 50
const BACKGROUND = { talking: 7, waiting: 6, music: 7 }
const SAMPLES = 360
const WARM_UP_SAMPLES = 30
/** Callers who type at any time, and agents enough that one is always free. */
const AT_ONCE = 6
const AGENTS = 10
const PATIENCE_MS = 20_000

/** `clockAheadMs`: of the wall clock, which is set now and then, before this process's own, at that moment. */
type Sample = { caller: string; lastDigitEndAt: number; invitedAt: number; clockAheadMs: number }

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('dispatch: starting Pforte, Asterisk and 20 calls')
  const bench = await BenchPforte.start({ agents: AGENTS, otherAgents: BACKGROUND.talking })
  let background: Worker | null = null
  try {
    const { pin } = await bench.pforte.admit()
    const other = await bench.pforte.admit({ queue: OTHER_QUEUE })
    background = await startBackground({
      line: bench.lineUri,
      registrar: bench.pforte.sip,
      accounts: bench.team('b'),
      pin: other.pin,
      ...BACKGROUND,
    })
    await sample(bench, pin, WARM_UP_SAMPLES, 'warm-up')
    progress.step(`dispatch: ${SAMPLES} callers type their PIN`)
    const samples = await sample(bench, pin, SAMPLES, 'measured')
    progress.done(`dispatch: ${samples.length} PINs led to a ringing phone`)
    return await figuresOf(bench, samples)
  } finally {
    background?.postMessage('end')
    await bench.stop()
    await background?.terminate()
  }
}

async function startBackground(settings: BackgroundSettings): Promise<Worker> {
  const worker = new Worker(new URL('./load/background.ts', import.meta.url), { workerData: settings })
  const ready = new Promise<number>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const calls = await within(2 * PATIENCE_MS, 'the background', ready)
  if (calls !== settings.accounts.length + settings.waiting + settings.music) throw new Error(`only ${calls} calls are under way`)
  return worker
}

async function sample(bench: BenchPforte, pin: string, count: number, name: string): Promise<Sample[]> {
  const { accounts, registrar } = { accounts: bench.team('a'), registrar: bench.pforte.sip }
  const team = await Team.register({ accounts, registrar, answerAfterMs: 20, media: 'silence' })
  const phone = await Phone.open({ host: '127.0.0.1', user: name })
  const samples: Sample[] = []
  let next = 0
  const callers = Array.from({ length: AT_ONCE }, async (_, chain) => {
    while (next < count) {
      const caller = `+49${name.length}${chain}${String(next++).padStart(6, '0')}`
      const talk = team.talkWith(caller)
      const call = await phone.call(bench.lineUri, { from: caller, media: 'silence', listen: false })
      await wait(100 + Math.random() * 200)
      const { lastDigitEndAt } = await call.sendDigits(pin)
      const { invitedAt } = await within(PATIENCE_MS, 'an agent', talk)
      samples.push({ caller, lastDigitEndAt, invitedAt, clockAheadMs: Date.now() - performance.now() })
      await call.hangUp()
    }
  })
  await Promise.all(callers)
  await phone.close()
  await team.leave()
  return samples
}

/** What Pforte wrote into the call's row splits the time in two: it is one machine and one clock. */
async function figuresOf(bench: BenchPforte, samples: Sample[]): Promise<Figure[]> {
  const { rows } = await bench.pforte.db.query<{ caller: string; at: number }>(
    `SELECT caller, (entry ->> 'enteredAt')::float8 AS at FROM calls, jsonb_array_elements(path) entry WHERE entry ->> 'step' = 'waiting'`,
  )
  const enteredAt = new Map(rows.map(({ caller, at }) => [caller, at]))
  const whole = samples.map(({ lastDigitEndAt, invitedAt }) => invitedAt - lastDigitEndAt)
  const toQueue = samples.map(({ caller, lastDigitEndAt, clockAheadMs }) => enteredAt.get(caller)! - clockAheadMs - lastDigitEndAt)
  const toRing = samples.map(({ caller, invitedAt, clockAheadMs }) => invitedAt - (enteredAt.get(caller)! - clockAheadMs))
  const p99 = quantile(whole, 0.99)
  const name = 'dispatch'
  const spread = (values: number[]): string => `${ms(quantile(values, 0.5))} / ${ms(quantile(values, 0.99))}`
  return [
    judged(name, 'last digit → INVITE, p99, 20 calls under way', ms(p99), `< ${BAR_MS} ms`, p99 < BAR_MS),
    told(name, `  p50 of ${samples.length}`, ms(quantile(whole, 0.5))),
    told(name, '  digit → Asterisk → look-up answered, p50 / p99', spread(toQueue)),
    told(name, '  into the queue → offer → INVITE, p50 / p99', spread(toRing)),
  ]
}
