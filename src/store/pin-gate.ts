/** The PIN gate: one look-up, one round trip, limits applied. How a guess is judged is in `domain/gate/limits.ts`. */
import type { PinAnswer, PinLimits, PinQuestion } from '../app/ports/store.ts'
import { guessChance, type GuessChance, type PinsOfLength } from '../domain/gate/guess-chance.ts'
import { highestThreshold, judge } from '../domain/gate/limits.ts'
import type { Connections, Statement } from './connections.ts'
import type { Keys } from './keys.ts'
import { printable, type PhoneNumbers } from './phone-numbers.ts'

const lookUp: Statement = {
  name: 'look up a pin',
  text: 'SELECT * FROM look_up_pin($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
}
type LookUpRow = {
  wrong_by_caller: number
  wrong_by_trunk: number
  wrong_by_line: number
  steps_up: boolean
  matched: boolean
  contract_id: string | null
  customer_id: string
  queue: string
  priority: number
  hours: string
  customer_name: string
  service: string
}

/** Renews the step-up; answers a row only to the one attempt that began it. */
const stepUp: Statement = {
  name: 'step a line up',
  text: `
    WITH before AS (SELECT stepped_up_until FROM line_guards WHERE line = $1 FOR UPDATE),
    renewed AS (
      INSERT INTO line_guards AS g (line, stepped_up_until) VALUES ($1, $3)
      ON CONFLICT (line) DO UPDATE SET stepped_up_until = greatest(g.stepped_up_until, excluded.stepped_up_until)
      RETURNING (xmax = 0) AS inserted)
    SELECT 1 FROM renewed WHERE inserted OR (SELECT stepped_up_until FROM before) <= $2`,
}

const countValid: Statement = {
  name: 'count valid pins',
  text: `SELECT p.length, count(*) AS "validPins" FROM pins p JOIN contracts c ON c.id = p.contract_id
    WHERE p.revoked_at IS NULL AND p.key_id = $1
      AND (p.valid_from IS NULL OR p.valid_from <= $2) AND (p.valid_to IS NULL OR p.valid_to > $2)
      AND (c.valid_from IS NULL OR c.valid_from <= $2) AND (c.valid_to IS NULL OR c.valid_to > $2)
    GROUP BY p.length`,
}

/** Wrong attempts are kept this long for whoever looks into an alarm. */
const keepAttemptsMs = 7 * 24 * 3600 * 1000
/** How old the count of valid PINs may be that decides whether guessing is too likely. */
const countStaleMs = 30_000
/** Longer input is no PIN; it is cut before it is digested. */
const longestInput = 64

export class PinGate {
  readonly #connections: Connections
  readonly #keys: Keys
  readonly #numbers: PhoneNumbers
  #limits: PinLimits
  #pinLength: number
  #validPins: PinsOfLength[] = []
  /** Null: something has changed since. */
  #countedAt: number | null = null
  #counting: Promise<void> | null = null

  constructor(connections: Connections, keys: Keys, numbers: PhoneNumbers, limits: PinLimits, pinLength: number) {
    this.#connections = connections
    this.#keys = keys
    this.#numbers = numbers
    this.#limits = limits
    this.#pinLength = pinLength
  }

  /** From now on; what is under way is judged by the rules it began with. */
  useRules(limits: PinLimits, pinLength: number): void {
    this.#limits = limits
    this.#pinLength = pinLength
  }

  /** @throws StoreUnavailable: nothing was decided, nothing counted */
  async check(question: PinQuestion): Promise<PinAnswer & { slowDownMs: number }> {
    const always = this.#guessingTooLikely(question.at)
    const caller = this.#numbers.caller(question.caller)
    const trunk = question.trunk === null ? null : printable(question.trunk)
    const customerNumber = question.customerNumber === null ? null : printable(question.customerNumber).slice(0, longestInput)
    const [row] = await this.#connections.run<LookUpRow>(lookUp, [
      this.#keys.pinDigest(question.pin.slice(0, longestInput)),
      this.#keys.id,
      customerNumber,
      question.line,
      trunk,
      caller,
      question.callId,
      new Date(question.at),
      new Date(question.at - this.#limits.windowMs),
      highestThreshold(this.#limits),
      always,
      new Date(question.at - Math.max(keepAttemptsMs, this.#limits.windowMs)),
    ])
    const found = row!
    const judgement = judge(
      {
        wrongBefore: {
          byCaller: caller === null ? null : found.wrong_by_caller,
          byTrunk: trunk === null ? null : found.wrong_by_trunk,
          byLine: found.wrong_by_line,
        },
        lacksCustomerNumber: found.steps_up && customerNumber === null,
        matched: found.matched,
        withCustomerNumber: customerNumber !== null,
      },
      this.#limits,
    )
    const alarm = await this.#alarm(judgement.reached, question, trunk)
    if (judgement.is !== 'right') {
      return { result: { is: judgement.is }, customerName: null, service: null, alarm, slowDownMs: judgement.slowDownMs }
    }
    const { contract_id, customer_id, queue, priority, hours } = found
    return {
      result: { is: 'right', admission: { contractId: contract_id!, customerId: customer_id, queue, priority, hours } },
      customerName: found.customer_name,
      service: found.service,
      alarm,
      slowDownMs: judgement.slowDownMs,
    }
  }

  /** Valid PINs now, and how likely a random one hits. */
  async guessChance(at: number): Promise<GuessChance> {
    await this.#count(at)
    return guessChance(this.#validPins, this.#pinLength)
  }

  /** PINs were issued or revoked here: the next look-up has them counted again. */
  pinsChanged(): void {
    this.#countedAt = null
  }

  async #alarm(reached: { trunk: boolean; line: boolean }, question: PinQuestion, trunk: string | null): Promise<string | null> {
    const minutes = Math.round(this.#limits.windowMs / 60_000)
    const alarms: string[] = []
    if (reached.line) {
      const until = new Date(question.at + this.#limits.windowMs)
      const begun = await this.#connections.run(stepUp, [question.line, new Date(question.at), until])
      if (begun.length > 0) {
        alarms.push(
          `Somebody may be guessing PINs on line ${question.line}: ${this.#limits.perLineAlarm} wrong ones within ${minutes} minutes. It asks for the customer number beside the PIN until this ends.`,
        )
      }
    }
    if (reached.trunk) {
      alarms.push(
        `${this.#limits.perTrunkStop} wrong PINs within ${minutes} minutes came over trunk ${trunk}: a PIN alone from there leads to the voicemail until this ends.`,
      )
    }
    return alarms.length === 0 ? null : alarms.join(' ')
  }

  /** Whether a random PIN hits so often that the customer number is always asked. Counted aside, so that callers do not wait for it. */
  #guessingTooLikely(at: number): boolean {
    if (this.#countedAt === null || at - this.#countedAt > countStaleMs) {
      // A failure leaves the older count standing; the look-up itself will say that Postgres is away.
      this.#count(at).catch((error: unknown) => this.#connections.log.debug({ err: error }, 'valid PINs could not be counted'))
    }
    return guessChance(this.#validPins, this.#pinLength).chance > this.#limits.maxGuessChance
  }

  #count(at: number): Promise<void> {
    if (this.#counting !== null) return this.#counting
    // A change while it counts makes it null again.
    this.#countedAt = at
    this.#counting = this.#connections
      .run<PinsOfLength>(countValid, [this.#keys.id, new Date(at)])
      .then((rows) => {
        this.#validPins = rows
      })
      .catch((error: unknown) => {
        this.#countedAt = null
        throw error
      })
      .finally(() => {
        this.#counting = null
      })
    return this.#counting
  }
}
