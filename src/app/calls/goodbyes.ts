/** Agents who picked up just as the caller hung up: they are told, and then let go. */
import type { LegName } from '../../domain/call/events.ts'
import type { CallInHand } from './call-in-hand.ts'
import { goodbyeOf, outgoingLeg } from './ids.ts'

export class Goodbyes {
  /** Playback → leg. */
  readonly #spoken = new Map<string, string>()
  readonly #call: CallInHand

  constructor(call: CallInHand) {
    this.#call = call
  }

  get areOver(): boolean {
    return this.#spoken.size === 0
  }

  say(leg: LegName): void {
    const { services, facts, state } = this.#call
    const channel = outgoingLeg(facts.id, leg)
    const prompt = services.callerGone(state.language)
    if (prompt === null) {
      void services.telephony.send({ do: 'hangUp', leg: channel })
      return
    }
    const playback = goodbyeOf(facts.id, leg)
    this.#spoken.set(playback, channel)
    void services.telephony.send({ do: 'play', leg: channel, playback, prompts: [prompt], language: state.language }).then((outcome) => {
      if (!outcome.ok) this.heard(playback)
    })
  }

  /** Answers whether this playback was a goodbye. */
  heard(playback: string): boolean {
    const leg = this.#spoken.get(playback)
    if (leg === undefined) return false
    this.#spoken.delete(playback)
    void this.#call.services.telephony.send({ do: 'hangUp', leg })
    this.#call.services.onSettled()
    return true
  }

  legGone(leg: string): void {
    for (const [playback, one] of this.#spoken) if (one === leg) this.#spoken.delete(playback)
  }
}
