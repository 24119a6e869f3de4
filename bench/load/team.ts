/** Agents who answer whoever rings, each with a phone of their own. */
import type { Call } from '../../src/local/phone/call.ts'
import type { Sending } from '../../src/local/phone/rtp/stream.ts'
import { Phone } from '../../src/local/phone/phone.ts'
import { until } from '../../test/support/until.ts'
import type { SipAccount } from '../hotline/bench-pforte.ts'

export type TeamSettings = {
  accounts: SipAccount[]
  registrar: { host: string; port: number }
  answerAfterMs: number
  media: Sending
}

/** `invitedAt`: `performance.now()` when the INVITE came. */
export type Talk = { call: Call; invitedAt: number }

export class Team {
  readonly #phones: Phone[] = []
  readonly #talks = new Map<string, PromiseWithResolvers<Talk>>()

  static async register(settings: TeamSettings): Promise<Team> {
    const team = new Team()
    for (const { user, password } of settings.accounts) {
      const phone = await Phone.open({ host: '127.0.0.1', user, password, registrar: settings.registrar })
      team.#phones.push(phone)
      await until(`the SIP account of ${user} to be known`, () => phone.register().then(() => true))
      phone.onCall((incoming) => {
        incoming.ring()
        setTimeout(() => {
          void incoming.answer({ media: settings.media, listen: false }).then((call) => {
            if (call !== undefined) team.#talk(incoming.callerId).resolve({ call, invitedAt: incoming.arrivedAt })
          })
        }, settings.answerAfterMs)
      })
    }
    return team
  }

  /** Settles when an agent has picked up for this caller. */
  talkWith(caller: string): Promise<Talk> {
    return this.#talk(caller).promise.finally(() => this.#talks.delete(caller))
  }

  async leave(): Promise<void> {
    await Promise.all(this.#phones.map((phone) => phone.close().catch(() => {})))
  }

  #talk(caller: string): PromiseWithResolvers<Talk> {
    const talk = this.#talks.get(caller) ?? Promise.withResolvers<Talk>()
    this.#talks.set(caller, talk)
    return talk
  }
}
