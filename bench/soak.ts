/**
 * 200 calls a minute of every kind, for ten minutes: every one answered, every
 * row as the caller would tell it, nothing left over, memory flat.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { until } from '../test/support/until.ts'
import { judged, told, type Figure } from './figure.ts'
import { BenchPforte } from './hotline/bench-pforte.ts'
import { Heap, INSPECTABLE } from './hotline/heap.ts'
import { leftOver } from './hotline/left-over.ts'
import { EXPECTED, SoakCalls, type Placed } from './load/soak-calls.ts'
import { Team } from './load/team.ts'
import type { BenchOptions } from './run.ts'

const CALLS_A_MINUTE = 200
const AGENTS = 40
const PINS = 20
/** Until then code is compiled and pools fill. */
const WARM_UP_SHARE = 0.2
/** Flat: what grows with each call would show as more than this. 1,600 calls that each left 2 kB behind were 3 MB. */
const FLAT_MB = 3
const SETTLES_WITHIN_MS = 60_000

export async function run({ progress, minutes }: BenchOptions): Promise<Figure[]> {
  progress.step('soak: starting Pforte and its agents')
  const bench = await BenchPforte.start({ agents: AGENTS }, INSPECTABLE)
  const { pforte } = bench
  let team: Team | null = null
  let calls: SoakCalls | null = null
  let heap: Heap | null = null
  try {
    heap = await Heap.of(pforte.output)
    team = await Team.register({ accounts: bench.team('a'), registrar: pforte.sip, answerAfterMs: 500, media: 'digits-only' })
    const pins: string[] = []
    for (let number = 0; number < PINS; number++) pins.push((await pforte.admit()).pin)
    const speech = await pforte.prompt('welcome')
    calls = await SoakCalls.open({ line: bench.lineUri, pins, wrongPins: notAmong(pins), speech, team })

    const total = Math.round(minutes * CALLS_A_MINUTE)
    const warm = Math.round(total * WARM_UP_SHARE)
    const began = performance.now()
    const first = await placeAll(calls, warm, began, (text) => progress.step(`soak: ${text} of ${total}`))
    const before = { inUseMb: await heap.usedMb(), ...(await bench.figures()) }
    const rest = await placeAll(calls, total - warm, began, (text) => progress.step(`soak: ${text} of ${total}`))
    const during = { inUseMb: await heap.usedMb(), ...(await bench.figures()) }
    const placed = await Promise.all([...first, ...rest])
    progress.step('soak: waiting until all is put away')
    const left = await until(
      'everything to be put away',
      async () => ((await leftOver(pforte)).length === 0 ? [] : null),
      SETTLES_WITHIN_MS,
    ).catch(() => leftOver(pforte))
    const wrong = await wrongRows(bench, placed)
    progress.done(`soak: ${total} calls in ${minutes} minutes`)

    const unanswered = placed.filter(({ failure }) => failure !== null)
    const grownMb = during.inUseMb - before.inUseMb
    const name = 'soak'
    const measuredMinutes = minutes * (1 - WARM_UP_SHARE)
    return [
      judged(
        name,
        `calls, ${CALLS_A_MINUTE} a minute, answered and as planned`,
        `${total - unanswered.length} of ${total}`,
        'all',
        unanswered.length === 0,
      ),
      judged(name, '  rows that are right', `${total - wrong.length} of ${total}`, 'all', wrong.length === 0),
      judged(name, '  left over at the end', left.length === 0 ? 'nothing' : left.join(', '), 'nothing', left.length === 0),
      judged(name, '  heap in use, growth after warm-up', `${grownMb.toFixed(2)} MB`, `< ${FLAT_MB} MB`, grownMb < FLAT_MB),
      told(name, '  the same as a slope', `${(grownMb / measuredMinutes).toFixed(2)} MB/min`),
      told(name, '  resident, after warm-up → end', `${before.residentMb.toFixed(0)} → ${during.residentMb.toFixed(0)} MB`),
      ...first3([...unanswered.map(({ kind, caller, failure }) => `${kind}, ${caller}: ${failure}`), ...wrong]).map((what) =>
        told(name, `  ! ${what}`, ''),
      ),
    ]
  } finally {
    heap?.close()
    await calls?.close()
    await team?.leave()
    await bench.stop()
  }
}

/** Places calls by the clock. @returns them, still under way */
async function placeAll(calls: SoakCalls, count: number, began: number, tell: (text: string) => void): Promise<Promise<Placed>[]> {
  const placed: Promise<Placed>[] = []
  for (let call = 0; call < count; call++) {
    const early = began + (calls.placed * 60_000) / CALLS_A_MINUTE - performance.now()
    if (early > 0) await wait(early)
    placed.push(calls.place())
    if (calls.placed % CALLS_A_MINUTE === 0) tell(`${calls.placed} calls`)
  }
  return placed
}

async function wrongRows({ pforte }: BenchPforte, placed: Placed[]): Promise<string[]> {
  type Row = { caller: string; outcome: string | null; agent: boolean; ticket: boolean; wrong: number }
  const { rows } = await pforte.db.query<Row>(
    `SELECT caller, outcome, agent_id IS NOT NULL AND connected_at IS NOT NULL AS agent, ticket_id IS NOT NULL AS ticket,
      (SELECT count(*)::integer FROM jsonb_array_elements(path) entry WHERE entry ->> 'step' LIKE 'ask_pin%' AND entry ->> 'outcome' IN ('wrong', 'exhausted')) AS wrong
    FROM calls`,
  )
  const wrong = rows.length === placed.length ? [] : [`${rows.length} rows for ${placed.length} calls`]
  const byCaller = new Map(rows.map((row) => [row.caller, row]))
  for (const { caller, kind } of placed) {
    const expected = JSON.stringify({ caller, ...EXPECTED[kind] })
    const found = JSON.stringify(byCaller.get(caller) ?? null)
    if (found !== expected) wrong.push(`${kind}: ${found}`)
  }
  return wrong
}

/** Three PINs that nobody has. */
function notAmong(pins: string[]): string[] {
  return first3(
    Array.from({ length: pins.length + 3 }, (_, number) => String(10_000 + number * 1_111)).filter((pin) => !pins.includes(pin)),
  )
}

function first3<T>(all: T[]): T[] {
  return all.slice(0, 3)
}
