/** Somebody who calls: dials, listens, types, speaks, hangs up. */
import { writeFile } from 'node:fs/promises'
import type { Call, Sound } from '../../../src/local/phone/call.ts'
import type { CallOptions } from '../../../src/local/phone/outgoing.ts'
import type { Phone } from '../../../src/local/phone/phone.ts'
import type { DigitTiming } from '../../../src/local/phone/rtp/digit-sender.ts'
import { NotHeard } from '../../../src/local/phone/rtp/heard.ts'
import type { DigitsSent } from '../../../src/local/phone/rtp/stream.ts'
import { keptFile } from '../../support/kept.ts'
import { until } from '../../support/until.ts'
import type { AgentAtPhone } from './agent.ts'
import type { Hotline, Row } from './hotline.ts'
import { CallerOnRecord } from './on-record.ts'

/** Of the private Asterisk (local/beep.ts). */
const BEEP_HZ = 1_000
const HEARD_WITHIN_MS = 20_000
const BEEP_IS_OVER_AFTER_MS = 100
/** What was playing when something changed may still be on its way this long. */
const ON_ITS_WAY_MS = 400

export class Caller extends CallerOnRecord {
  readonly phone: Phone
  readonly #hotline: Hotline
  #call: Call | null = null
  #language = 'de'
  /** What was heard before this is past. */
  #heardUpTo = 0

  constructor(hotline: Hotline, phone: Phone, number: string) {
    super(hotline, number)
    this.#hotline = hotline
    this.phone = phone
  }

  get call(): Call {
    if (this.#call === null) throw new Error('this caller has not dialled yet')
    return this.#call
  }

  async dials(line = 'hotline', options: CallOptions = {}): Promise<this> {
    this.#language = line.endsWith('-en') ? 'en' : 'de'
    this.#heardUpTo = 0
    this.#call = await this.phone.call(this.#hotline.pforte.lineUri(line), { from: this.number, ...options })
    return this
  }

  /** Waits until one of these prompts is recognised, and answers which. */
  async hears(...names: string[]): Promise<string> {
    const prompts = new Map<string, Buffer>()
    for (const name of names) prompts.set(name, await this.#hotline.prompt(name, this.#language))
    const { name, heard } = await this.#listens((waiting) => this.call.heard.waitForOneOf(prompts, waiting))
    this.#heardUpTo = heard.endedAt
    return name
  }

  /** Waits for sound that goes on although nobody speaks. */
  async hearsMusic(): Promise<void> {
    await this.standsIn('music')
    await this.call.heard.waitForAudio({ since: performance.now() + ON_ITS_WAY_MS, timeoutMs: HEARD_WITHIN_MS })
  }

  async hearsSound(): Promise<void> {
    await this.call.heard.waitForAudio({ since: performance.now() + ON_ITS_WAY_MS, timeoutMs: HEARD_WITHIN_MS })
  }

  /** Waits for the beep to begin and to end. */
  async hearsBeep(): Promise<void> {
    const since = await this.#listens((waiting) => this.call.heard.waitForTone(BEEP_HZ, waiting))
    this.#heardUpTo = await this.call.heard.waitForSilence(BEEP_IS_OVER_AFTER_MS, { since })
  }

  /** The agent speaks and is heard, so both are connected. */
  async talksTo(agent: AgentAtPhone): Promise<void> {
    await this.hearsTone(agent.voiceHz)
  }

  async hearsTone(hz: number): Promise<void> {
    await this.#listens(({ timeoutMs }) => this.call.heard.waitForTone(hz, { timeoutMs }))
  }

  /** Says where the call stands when what was waited for does not come. */
  async #listens<T>(wait: (waiting: { since: number; timeoutMs: number }) => Promise<T>): Promise<T> {
    try {
      return await wait({ since: this.#heardUpTo, timeoutMs: HEARD_WITHIN_MS })
    } catch (error) {
      if (!(error instanceof NotHeard)) throw error
      const row = await this.row()
      const kept = keptFile(`pforte-heard-${this.number.slice(1)}-${process.pid}.wav`)
      await writeFile(kept, this.call.heard.wav())
      throw new Error(`${error.message}; the call went ${row === null ? 'nowhere' : timesOf(row)}; its sound is in ${kept}`, {
        cause: error,
      })
    }
  }

  async types(digits: string, timing: Partial<DigitTiming> = {}): Promise<DigitsSent> {
    const sent = await this.call.sendDigits(digits, timing)
    this.#heardUpTo = Math.max(this.#heardUpTo, sent.lastDigitEndAt)
    return sent
  }

  async typesWrongPin(): Promise<void> {
    await this.types(this.#hotline.freshPin())
  }

  async speaks(sound: Sound): Promise<boolean> {
    return this.call.play(sound)
  }

  async hangsUp(): Promise<void> {
    await this.call.hangUp()
  }

  /** Waits until Pforte has hung up. */
  async isHungUpOn(): Promise<void> {
    const { by } = await until('Pforte to hang up', () => Promise.race([this.call.ended, wait(HEARD_WITHIN_MS).then(() => null)]), 0)
    if (by !== 'them') throw new Error('it was the caller who hung up')
  }
}

/** `0.0 s ask_pin: wrong, 4.2 s not_correct: done, …` */
function timesOf(row: Row): string {
  const since = Date.parse(row['startedAt'])
  const entries = row['path'].map(
    ({ step, enteredAt, outcome }: Row) => `${((Date.parse(enteredAt) - since) / 1_000).toFixed(1)} s ${step}: ${outcome}`,
  )
  return entries.join(', ')
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
