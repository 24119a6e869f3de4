/**
 * `kill -9` of Node with callers in every step, and a restart: how long after
 * the start of the next process each of them stands there again. Whoever is
 * spoken to tells by the first word of the prompt that begins anew, as it
 * reaches the phone; for whoever hears music, waits, is rung for, talks or is
 * being recorded nothing changes, so that for them Pforte's log tells.
 */
import { everybody, ROLES, type Cast, type Role } from '../test/end-to-end/survive/cast.ts'
import { definitionForSurvival } from '../test/end-to-end/survive/definition.ts'
import { longestApart, lost, spokenAnew, UNHEARD_MS } from '../test/end-to-end/survive/found-again.ts'
import { ticketOf, voicemailOf } from '../test/end-to-end/survive/messages.ts'
import { stairsHeard } from '../test/end-to-end/survive/sounds.ts'
import { Hotline, type Scope } from '../test/end-to-end/support/hotline.ts'
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 2: "every other caller stands in the same step within 2 s of the restart". */
const BAR_MS = 2_000
const ROUNDS = 5

type Round = {
  /** Milliseconds from the start of the process, as all of these. */
  takenUpMs: number
  readyMs: number
  anewMs: ReadonlyMap<Role, number>
  lost: string[]
  apartMs: number
  recordingFaultMs: number
}

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  const everything = new Ending()
  try {
    progress.step('survive: starting Pforte')
    const hotline = await Hotline.open(everything, {
      yaml: definitionForSurvival,
      environment: { LOG_LEVEL: 'info' },
      // All that passes between a service manager and the calls.
      command: ['bin/start.mjs'],
    })
    const rounds: Round[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      progress.step(`survive: round ${round} of ${ROUNDS}, a caller into each step`)
      rounds.push(await oneRound(hotline, (what) => progress.step(`survive: round ${round} of ${ROUNDS}, ${what}`)))
    }
    progress.done(`survive: killed and started ${ROUNDS} times`)
    return figuresOf(rounds)
  } finally {
    await everything.comes()
  }
}

async function oneRound(hotline: Hotline, tell: (what: string) => void): Promise<Round> {
  const round = new Ending()
  try {
    const cast = await everybody(round, hotline)
    tell('kill -9')
    const killedAt = performance.now()
    await hotline.pforte.kill()
    const [startedAt, startedAtEpochMs] = [performance.now(), Date.now()]
    const anew = spokenAnew(hotline, cast, startedAt)
    // Heard in vain, it is told below; not before the start has failed as well.
    anew.catch(() => {})
    await hotline.pforte.run()
    const readyMs = performance.now() - startedAt
    const anewMs = await anew
    const found = await lost(hotline, cast)
    const { caller, agent } = longestApart(cast, killedAt)
    return {
      takenUpMs: takenUpAt(hotline) - startedAtEpochMs,
      readyMs,
      anewMs,
      lost: found,
      apartMs: Math.max(caller, agent),
      recordingFaultMs: await recordingFault(hotline, cast),
    }
  } finally {
    await round.comes()
  }
}

/** Epoch ms, by the clock that this process has as well. */
function takenUpAt({ pforte }: Hotline): number {
  const line = pforte.output.findLast((line) => line.includes('"every call stands where it stood"'))
  if (line === undefined) throw new Error('Pforte has not said that it took the calls up')
  return (JSON.parse(line) as { time: number }).time
}

/** How much is missing or double, in milliseconds, in the message during which it happened. */
async function recordingFault(hotline: Hotline, { callers: { recording } }: Cast): Promise<number> {
  await recording.types('#')
  return stairsHeard(await voicemailOf(hotline, await ticketOf(hotline, recording))).longestFaultMs
}

function figuresOf(rounds: Round[]): Figure[] {
  const name = 'survive'
  const all = (of: (round: Round) => number): number[] => rounds.map(of)
  const worst = (of: (round: Round) => number): number => Math.max(...all(of))
  const spread = (of: (round: Round) => number): string => `${ms(quantile(all(of), 0.5))} / ${ms(worst(of))}`
  const standsMs = ({ takenUpMs, anewMs }: Round): number => Math.max(takenUpMs, ...anewMs.values())
  const spokenTo: [Role, string][] = [
    ['prompted', 'in the PIN prompt'],
    ['typing', 'in the middle of the PIN'],
    ['mistaken', 'asked once more'],
    ['informed', 'in the special announcement'],
    ['greeted', 'in the greeting of the voicemail'],
  ]
  const gone = rounds.flatMap((round) => round.lost)
  return [
    judged(
      name,
      `kill -9 → ${ROLES.length} callers stand in their steps again, worst of ${rounds.length}`,
      ms(worst(standsMs)),
      `< ${BAR_MS} ms`,
      worst(standsMs) < BAR_MS,
    ),
    ...spokenTo.map(([role, where]) =>
      told(
        name,
        `  ${where}, first word, p50 / worst`,
        spread(({ anewMs }) => anewMs.get(role) ?? NaN),
      ),
    ),
    told(
      name,
      '  in music, queue, ring, talk, message: taken up',
      spread(({ takenUpMs }) => takenUpMs),
    ),
    told(
      name,
      '  the API answers, too: ready',
      spread(({ readyMs }) => readyMs),
    ),
    judged(
      name,
      '  calls, places, agents that are not as they were',
      gone.length === 0 ? 'none' : String(gone.length),
      'none',
      gone.length === 0,
    ),
    judged(
      name,
      '  conversation, longest without the other’s voice',
      ms(worst(({ apartMs }) => apartMs)),
      `≤ ${UNHEARD_MS} ms`,
      worst(({ apartMs }) => apartMs) <= UNHEARD_MS,
    ),
    judged(
      name,
      '  message, missing or double',
      ms(worst(({ recordingFaultMs }) => recordingFaultMs)),
      `≤ ${UNHEARD_MS} ms`,
      worst(({ recordingFaultMs }) => recordingFaultMs) <= UNHEARD_MS,
    ),
    ...gone.slice(0, 3).map((what) => told(name, `  ! ${what}`, '')),
  ]
}

/** What is put away at the end, the newest first. */
class Ending implements Scope {
  readonly #work: (() => unknown)[] = []

  teardown(work: () => unknown): void {
    this.#work.push(work)
  }

  async comes(): Promise<void> {
    for (const work of this.#work.splice(0).reverse()) await work()
  }
}
