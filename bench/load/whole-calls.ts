/**
 * Whole calls, one after the other at a steady rate: answer, prompt, five
 * digits, queue, ring, bridge, hang-up. Nothing is sent but digits: the load
 * is for the one who controls the calls, not for sound.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Phone } from '../../src/local/phone/phone.ts'
import type { SipAccount } from '../hotline/bench-pforte.ts'
import { Team } from './team.ts'
import { within } from './within.ts'

export type WholeCallsSettings = {
  line: string
  registrar: { host: string; port: number }
  accounts: SipAccount[]
  pins: string[]
  perSecond: number
}

export type WholeCalls = { completed: number; failures: string[] }

const LISTENS_MS = 200
const AGENT_ANSWERS_AFTER_MS = 100
/** Longer than after a pick-up that came too late, when the agent is told so (domain/call/steps/conversation.ts). */
const TALKS_MS = 1_500
const CALL_TAKES_AT_MOST_MS = 20_000

export class WholeCallsLoad {
  readonly #settings: WholeCallsSettings
  readonly #team: Team
  readonly #phone: Phone
  #placed = 0

  private constructor(settings: WholeCallsSettings, team: Team, phone: Phone) {
    this.#settings = settings
    this.#team = team
    this.#phone = phone
  }

  static async prepare(settings: WholeCallsSettings): Promise<WholeCallsLoad> {
    const { accounts, registrar } = settings
    const team = await Team.register({ accounts, registrar, answerAfterMs: AGENT_ANSWERS_AFTER_MS, media: 'digits-only' })
    return new WholeCallsLoad(settings, team, await Phone.open({ host: '127.0.0.1', user: 'caller' }))
  }

  /** Settles when the last of them is over. */
  async run(calls: number): Promise<WholeCalls> {
    const began = performance.now()
    const everyMs = 1000 / this.#settings.perSecond
    const under: Promise<string | null>[] = []
    for (let place = 0; place < calls; place++) {
      const early = began + place * everyMs - performance.now()
      if (early > 0) await wait(early)
      under.push(
        this.#call(this.#placed++).then(
          () => null,
          (error: Error) => error.message,
        ),
      )
    }
    const failures = (await Promise.all(under)).filter((failure) => failure !== null)
    return { completed: calls - failures.length, failures }
  }

  async close(): Promise<void> {
    await this.#phone.close()
    await this.#team.leave()
  }

  async #call(number: number): Promise<void> {
    const { line, pins } = this.#settings
    const caller = `+4962140${String(number).padStart(6, '0')}`
    const call = await this.#phone.call(line, { from: caller, media: 'digits-only', timeoutMs: CALL_TAKES_AT_MOST_MS })
    await wait(LISTENS_MS)
    await call.sendDigits(pins[number % pins.length]!)
    const { call: agent } = await within(CALL_TAKES_AT_MOST_MS, 'an agent', this.#team.talkWith(caller))
    await wait(TALKS_MS)
    await call.hangUp()
    await within(CALL_TAKES_AT_MOST_MS, 'the end of the agent’s leg', agent.ended)
  }
}
