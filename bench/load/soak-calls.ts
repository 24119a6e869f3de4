/**
 * Callers of every kind, each with a number of their own and a note of what
 * must stand in the call's row afterwards.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Call } from '../../src/local/phone/call.ts'
import { Phone } from '../../src/local/phone/phone.ts'
import type { Team } from './team.ts'
import { within } from './within.ts'

export type Kind = 'helped' | 'helped, agent hangs up' | 'wrong PINs' | 'nothing typed' | 'voicemail' | 'voicemail, hangs up'
export type Placed = { caller: string; kind: Kind; failure: string | null }
export type SoakSettings = { line: string; pins: string[]; wrongPins: string[]; speech: Buffer; team: Team }

/** Out of twenty. */
const MIX: readonly (readonly [Kind, number])[] = [
  ['helped', 5],
  ['helped, agent hangs up', 4],
  ['wrong PINs', 4],
  ['nothing typed', 3],
  ['voicemail', 2],
  ['voicemail, hangs up', 2],
]
const KINDS = MIX.flatMap(([kind, share]) => Array<Kind>(share).fill(kind))

const PATIENCE_MS = 20_000
/** A caller listens this long before doing something; longer than any command takes. */
const MOMENT_MS = 1_000
const TALKS_MS = { least: 4_000, most: 12_000 }
/** The beep, until which nothing is recorded. */
const BEEP_MS = 1_000

export class SoakCalls {
  readonly #settings: SoakSettings
  readonly #phone: Phone
  #placed = 0

  private constructor(settings: SoakSettings, phone: Phone) {
    this.#settings = settings
    this.#phone = phone
  }

  static async open(settings: SoakSettings): Promise<SoakCalls> {
    return new SoakCalls(settings, await Phone.open({ host: '127.0.0.1', user: 'soak' }))
  }

  get placed(): number {
    return this.#placed
  }

  /** One call, from dialling to its end. */
  async place(): Promise<Placed> {
    const number = this.#placed++
    // Kinds take turns in steps that share no factor with their number, so that they mix.
    const kind = KINDS[(number * 7) % KINDS.length]!
    const caller = `+4962150${String(number).padStart(6, '0')}`
    try {
      const call = await this.#phone.call(this.#settings.line, { from: caller, media: 'digits-only', timeoutMs: PATIENCE_MS })
      await wait(MOMENT_MS)
      await this.#tell(call, kind, caller, number)
      return { caller, kind, failure: null }
    } catch (error) {
      return { caller, kind, failure: (error as Error).message }
    }
  }

  close(): Promise<void> {
    return this.#phone.close()
  }

  async #tell(call: Call, kind: Kind, caller: string, number: number): Promise<void> {
    const { pins, wrongPins, team, speech } = this.#settings
    switch (kind) {
      case 'helped':
      case 'helped, agent hangs up': {
        await call.sendDigits(pins[number % pins.length]!)
        const agent = await within(PATIENCE_MS, 'an agent', team.talkWith(caller))
        await wait(TALKS_MS.least + Math.random() * (TALKS_MS.most - TALKS_MS.least))
        await (kind === 'helped' ? call : agent.call).hangUp()
        await within(PATIENCE_MS, 'the end of the other side', (kind === 'helped' ? agent.call : call).ended)
        return
      }
      case 'wrong PINs':
        for (const pin of wrongPins) {
          await call.sendDigits(pin)
          await wait(MOMENT_MS)
        }
        return call.hangUp()
      case 'nothing typed':
        await wait(Math.random() * PATIENCE_MS)
        return call.hangUp()
      case 'voicemail':
      case 'voicemail, hangs up':
        // No PIN; out of the music into the voicemail; past its greeting.
        for (let key = 0; key < 3; key++) {
          await call.sendDigits('#')
          await wait(MOMENT_MS)
        }
        await wait(BEEP_MS)
        await call.play(speech)
        if (kind === 'voicemail, hangs up') return call.hangUp()
        await call.sendDigits('#')
        await within(PATIENCE_MS, 'the goodbye', call.ended)
    }
  }
}

/** What the row of such a call must say. */
export const EXPECTED: Record<Kind, { outcome: string; agent: boolean; ticket: boolean; wrong: number }> = {
  helped: { outcome: 'connected', agent: true, ticket: false, wrong: 0 },
  'helped, agent hangs up': { outcome: 'connected', agent: true, ticket: false, wrong: 0 },
  'wrong PINs': { outcome: 'abandoned', agent: false, ticket: false, wrong: 3 },
  'nothing typed': { outcome: 'abandoned', agent: false, ticket: false, wrong: 0 },
  voicemail: { outcome: 'voicemail', agent: false, ticket: true, wrong: 0 },
  'voicemail, hangs up': { outcome: 'voicemail', agent: false, ticket: true, wrong: 0 },
}
