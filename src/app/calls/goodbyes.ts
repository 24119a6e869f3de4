/** Agents who pick up just as the caller hangs up: they are told, and then let go. */
import type { LegName } from '../../domain/call/events.ts'
import type { CallInHand } from './call-in-hand.ts'
import { bridgeOf, goodbyeOf, outgoingLeg } from './ids.ts'

export class Goodbyes {
  /** Playback → leg. */
  readonly #spoken = new Map<string, string>()
  /** Legs that need not ring any more, until it is known that nobody has picked them up. */
  readonly #stopping = new Set<string>()
  readonly #call: CallInHand

  constructor(call: CallInHand) {
    this.#call = call
  }

  get areOver(): boolean {
    return this.#spoken.size === 0 && this.#stopping.size === 0
  }

  /** If somebody has just picked up, that is told next, and the core decides what they hear. */
  stopRinging(leg: LegName): void {
    const { services, facts } = this.#call
    const channel = outgoingLeg(facts.id, leg)
    this.#stopping.add(channel)
    void services.telephony.send({ do: 'stopRinging', leg: channel }).then((outcome) => {
      if (!outcome.ok && outcome.why === 'conflict') return
      this.#stopping.delete(channel)
      services.onSettled()
    })
  }

  say(leg: LegName): void {
    const { services, facts, state } = this.#call
    const channel = outgoingLeg(facts.id, leg)
    this.#stopping.delete(channel)
    const prompt = services.callerGone(state.language)
    if (prompt === null) {
      services.telephony.tell({ do: 'hangUp', leg: channel })
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
    this.#call.services.telephony.tell({ do: 'hangUp', leg })
    this.#takeDownBridge()
    this.#call.services.onSettled()
    return true
  }

  legGone(leg: string): void {
    this.#stopping.delete(leg)
    for (const [playback, one] of this.#spoken) {
      if (one !== leg) continue
      this.#spoken.delete(playback)
      this.#takeDownBridge()
    }
  }

  /** The connection was away, and what became of these legs with it; what is left of them is taken down by whoever looks. */
  forget(): void {
    this.#spoken.clear()
    this.#stopping.clear()
    this.#call.services.onSettled()
  }

  /** Not before: a leg that is just leaving a bridge loses what it is told to play, without a word [tried, 22.10.1]. */
  #takeDownBridge(): void {
    const { services, facts, state } = this.#call
    if (state.connectedAt !== null && this.areOver) services.telephony.tell({ do: 'destroyBridge', bridge: bridgeOf(facts.id) })
  }
}
