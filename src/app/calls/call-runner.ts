/**
 * One call under way: feeds what happens into the pure core and does what it
 * answers, in order.
 *
 * Run loop: one event, one `advance`, all its commands, then the next event.
 * Work that answers later (a look-up, a queue entry) comes back as an event
 * naming the visit that asked; the core ignores it if the call has moved on.
 * Durable work of one call happens in the order it was asked (`#inOrder`).
 */
import { advance } from '../../domain/call/advance.ts'
import type { CallCommand } from '../../domain/call/commands.ts'
import type { CallEvent, LegName, TimerName } from '../../domain/call/events.ts'
import type { Flow } from '../../domain/call/flow.ts'
import { stateForRow, type CallState } from '../../domain/call/state.ts'
import type { CallRow, Offer } from '../ports/store.ts'
import type { Outcome } from '../ports/telephony.ts'
import { untilStored } from '../store-patience.ts'
import type { ActiveFlow } from './definitions.ts'
import { agentLeg, bridgeOf, goodbyeOf, offerOf, outgoingLeg, playbackOf, recordingOf } from './ids.ts'
import type { CallServices } from './services.ts'
import { describeCaller } from './caller-id.ts'

/** What a call is from its first moment; none of it changes. */
export type CallFacts = {
  id: string
  leg: string
  line: string
  dialled: string
  caller: string | null
  trunk: string | null
  startedAt: number
}

type Known = { customerName: string | null; service: string | null }

/** How long the PBX itself lets a phone ring at most, should our own timer be lost in a crash. */
const RING_BACKSTOP_MS = 120_000

export class CallRunner {
  readonly facts: CallFacts
  readonly flow: ActiveFlow
  readonly #services: CallServices
  #state: CallState
  #mailbox: CallEvent[] = []
  #draining = false
  #timers = new Map<TimerName, NodeJS.Timeout>()
  #durable: Promise<void> = Promise.resolve()
  #openWork = 0
  #known: Known = { customerName: null, service: null }
  readonly #goodbyes = new Map<string, string>()

  constructor(facts: CallFacts, flow: ActiveFlow, state: CallState, services: CallServices) {
    this.facts = facts
    this.flow = flow
    this.#state = state
    this.#services = services
  }

  get state(): CallState {
    return this.#state
  }

  /** Nothing more will come of this call, and nothing of it is unfinished. */
  get isOver(): boolean {
    return this.#state.phase === 'ended' && this.#openWork === 0 && this.#goodbyes.size === 0
  }

  /** Takes what happened. A bug while handling it ends this call and no other. */
  take(event: CallEvent): void {
    this.#mailbox.push(event)
    if (this.#draining) return
    this.#draining = true
    try {
      for (let next = this.#mailbox.shift(); next !== undefined; next = this.#mailbox.shift()) {
        const { state, commands } = advance(this.flow.flow, this.#state, next)
        this.#become(state, commands)
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#draining = false
    }
    this.#services.onSettled(this)
  }

  /** Puts the call where `how` (domain/call/resume) says it stands, after a restart or a lost connection. */
  resume(how: (flow: Flow, state: CallState) => { state: CallState; commands: CallCommand[] }): void {
    try {
      const { state, commands } = how(this.flow.flow, this.#state)
      this.#become(state, commands, true)
    } catch (error) {
      this.#fail(error)
    }
    this.#services.onSettled(this)
  }

  /** Dispatch found an agent for this call. */
  offered(offer: Offer): void {
    this.take({
      type: 'agentOffered',
      at: this.#services.now(),
      visit: this.#state.visit,
      offer: offer.offer,
      agentId: offer.agentId,
      endpoint: offer.endpoint,
    })
  }

  /** The agent has been told that the caller is gone; let them go too. */
  goodbyeHeard(playback: string): boolean {
    const leg = this.#goodbyes.get(playback)
    if (leg === undefined) return false
    this.#goodbyes.delete(playback)
    void this.#services.telephony.send({ do: 'hangUp', leg })
    this.#services.onSettled(this)
    return true
  }

  legGone(leg: string): void {
    for (const [playback, goodbyeLeg] of this.#goodbyes) if (goodbyeLeg === leg) this.#goodbyes.delete(playback)
  }

  row(): CallRow {
    const state = this.#state
    return {
      ...this.facts,
      asterisk: this.#services.asterisk,
      language: state.language,
      flowHash: this.flow.hash,
      state: stateForRow(state),
      customerId: state.admission?.customerId ?? null,
      contractId: state.admission?.contractId ?? null,
      agentId: state.agentId,
      queuedAt: state.queuedSince,
      answeredAt: state.answeredAt,
      connectedAt: state.connectedAt,
      endedAt: state.endedAt,
      outcome: state.outcome,
      path: state.path,
    }
  }

  stopTimers(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #become(state: CallState, commands: CallCommand[], always = false): void {
    const before = this.#state
    this.#state = state
    for (const command of commands) this.#do(command)
    if (always || worthWriting(before, state)) this.#services.journal.mark(this.facts.id, () => this.row())
  }

  #fail(error: unknown): void {
    this.#services.log.error({ err: error, call: this.facts.id, step: this.#state.step }, 'a bug ended this call; the others go on')
    this.#mailbox = []
    this.stopTimers()
    if (this.#state.phase === 'ended') return
    const { doing } = this.#state
    const at = this.#services.now()
    this.#state = { ...this.#state, phase: 'ended', endedAt: at, outcome: 'failed', doing: { what: 'nothing' } }
    if (doing.what === 'ringing') {
      this.#hangUpLeg(agentLeg(doing.offer))
      this.#release(doing.offer, doing.agentId, 'caller_gone')
    }
    if (doing.what === 'talking') this.#hangUpLeg(doing.leg)
    this.#leaveQueue()
    void this.#services.telephony.send({ do: 'hangUp', leg: this.facts.leg })
    this.#services.journal.mark(this.facts.id, () => this.row())
    this.#services.onEnded(this, 'failed')
  }

  #do(command: CallCommand): void {
    const { telephony, now } = this.#services
    const { id, leg } = this.facts
    switch (command.type) {
      case 'answer':
        void telephony.send({ do: 'answer', leg })
        return
      case 'play': {
        const prompts: string[] = []
        for (const spoken of command.what) {
          const hash = 'hash' in spoken ? spoken.hash : promptIn(this.flow.prompts, spoken.prompt, this.#state.language)
          if (hash !== null) prompts.push(hash)
        }
        const playback = playbackOf(id, command.visit, command.role)
        this.#reportRefusal('play', command.visit, telephony.send({ do: 'play', leg, playback, prompts, language: this.#state.language }))
        return
      }
      case 'stopPlaying':
        void telephony.send({ do: 'stopPlayback', playback: playbackOf(id, command.visit, command.role) })
        return
      case 'startMusic':
        void telephony.send({ do: 'startMusic', leg })
        return
      case 'stopMusic':
        void telephony.send({ do: 'stopMusic', leg })
        return
      case 'setTimer':
        this.#setTimer(command.visit, command.timer, command.firesAt)
        return
      case 'clearTimer':
        clearTimeout(this.#timers.get(command.timer))
        this.#timers.delete(command.timer)
        return
      case 'readAnnouncement': {
        const prompt = this.#services.announcements.promptFor(command.announcement, this.#state.language, now())
        this.take({ type: 'announcementRead', at: now(), visit: command.visit, prompt })
        return
      }
      case 'lookUpPin':
        this.#lookUpPin(command.visit)
        return
      case 'enterQueue':
        this.#enterQueue(command)
        return
      case 'leaveQueue':
        this.#leaveQueue()
        return
      case 'ring':
        this.#ring(command.visit, command.leg, command.endpoint)
        return
      case 'dial':
        this.#reportRefusal(
          'dial',
          command.visit,
          telephony.send({
            do: 'dial',
            leg: outgoingLeg(id, command.leg),
            number: command.number,
            trunk: command.trunk,
            callerId: describeCaller(this.facts.caller, this.#known),
            timeoutMs: RING_BACKSTOP_MS,
            forCaller: leg,
          }),
        )
        return
      case 'connect':
        this.#connect(command.visit, command.leg)
        return
      case 'hangUpLeg':
        this.#hangUpLeg(command.leg)
        return
      case 'tellCallerGone':
        this.#tellCallerGone(command.leg)
        return
      case 'releaseAgent':
        this.#release(command.offer, command.agentId, command.why)
        return
      case 'record': {
        const recording = recordingOf(id, command.visit)
        const { maxMs, silenceMs } = command
        this.#reportRefusal('record', command.visit, telephony.send({ do: 'record', leg, recording, maxMs, silenceMs }))
        return
      }
      case 'stopRecording':
        void telephony.send({ do: 'stopRecording', recording: recordingOf(id, command.visit) })
        return
      case 'keepVoicemail':
        this.#services.voicemails.keep(recordingOf(id, command.visit))
        return
      case 'dropRecording':
        this.#services.voicemails.drop(recordingOf(id, command.visit))
        return
      case 'hangUp':
        void telephony.send({ do: 'hangUp', leg })
        return
      case 'end':
        this.stopTimers()
        if (this.#state.connectedAt !== null) void telephony.send({ do: 'destroyBridge', bridge: bridgeOf(id) })
        this.#services.onEnded(this, command.outcome)
        return
    }
  }

  #setTimer(visit: number, timer: TimerName, firesAt: number): void {
    clearTimeout(this.#timers.get(timer))
    const { now } = this.#services
    const handle = setTimeout(
      () => {
        this.#timers.delete(timer)
        // A timer may run a hair before the clock shows its time; the core is told the time it asked for.
        this.take({ type: 'timerFired', at: Math.max(now(), firesAt), visit, timer })
      },
      Math.max(0, firesAt - now()),
    )
    this.#timers.set(timer, handle)
  }

  /** `gone` needs no event: the leg's end is on its way. `unreachable` neither: the reconnect resumes the step. */
  #reportRefusal(command: 'play' | 'record' | 'dial' | 'connect', visit: number, sent: Promise<Outcome>, leg?: LegName): void {
    void sent.then((outcome) => {
      if (outcome.ok || outcome.why === 'gone' || outcome.why === 'unreachable') return
      this.#services.log.warn({ call: this.facts.id, command, why: outcome.why, detail: outcome.detail }, 'the PBX would not do this')
      this.take({ type: 'commandRefused', at: this.#services.now(), visit, command, ...(leg === undefined ? {} : { leg }) })
    })
  }

  #lookUpPin(visit: number): void {
    const typed = this.#services.typedFor(this.#state)
    if (typed === null) return
    const { store, now } = this.#services
    const { id, line, trunk, caller } = this.facts
    const wanted = (): boolean => this.#state.visit === visit && this.#state.phase === 'active'
    this.#work(async () => {
      const answer = await untilStored(() => store.checkPin({ callId: id, line, trunk, caller, ...typed, at: now() }), wanted)
      if (answer === null) return
      this.#services.onPinChecked(this, answer)
      if (answer.slowDownMs > 0) await new Promise((resolve) => setTimeout(resolve, answer.slowDownMs))
      if (answer.result.is === 'right') this.#known = { customerName: answer.customerName, service: answer.service }
      this.take({ type: 'pinChecked', at: now(), visit, result: answer.result })
    })
  }

  #enterQueue({ visit, queue, priority, since }: Extract<CallCommand, { type: 'enterQueue' }>): void {
    const { store, now, dispatcher, journal } = this.#services
    const wanted = (): boolean => this.#state.visit === visit && this.#state.phase === 'active'
    this.#inOrder(async () => {
      // The row comes first: whoever reads the queue must find the call.
      await journal.written(this.facts.id)
      const entry = { callId: this.facts.id, queue, priority, at: since }
      const entered = await untilStored(() => store.enterQueue(entry), wanted)
      if (entered === null) return
      // If the caller has gone while we wrote, the core answers with leaving and with letting the agent go.
      if (entered.entered) this.take({ type: 'queueEntered', at: now(), visit })
      else this.take({ type: 'queueRefused', at: now(), visit, why: 'full' })
      dispatcher.deliver(entered.offers)
      dispatcher.changesAt(entered.nextChangeAt)
    })
  }

  #leaveQueue(): void {
    if (this.#state.queuedSince === null) return
    const { store, now } = this.#services
    this.#inOrder(async () => {
      await untilStored(() => store.leaveQueue(this.facts.id, now()))
    })
  }

  #ring(visit: number, leg: LegName, endpoint: string): void {
    const { telephony, store, now } = this.#services
    const callerId = describeCaller(this.facts.caller, this.#known)
    const ringing = telephony.send({
      do: 'ring',
      leg: outgoingLeg(this.facts.id, leg),
      endpoint,
      callerId,
      timeoutMs: RING_BACKSTOP_MS,
      forCaller: this.facts.leg,
    })
    void ringing.then((outcome) => {
      if (outcome.ok || outcome.why === 'conflict') return
      this.take({ type: 'legEnded', at: now(), leg, why: 'unreachable' })
    })
    const { doing } = this.#state
    if (doing.what !== 'ringing') return
    const offer = { callId: this.facts.id, offer: doing.offer, agentId: doing.agentId, endpoint }
    // The reservation is durable already; that the phone rings is for those who watch.
    this.#inOrder(async () => {
      const stillRinging = (): boolean => this.#state.visit === visit && this.#state.doing.what === 'ringing'
      await untilStored(() => store.markRinging(offer, now()), stillRinging)
    })
  }

  #connect(visit: number, leg: LegName): void {
    const { telephony, now } = this.#services
    const { doing } = this.#state
    const offer = offerOf(leg)
    const agentId = doing.what === 'talking' ? doing.agentId : null
    this.#inOrder(async () => {
      if (offer !== null && agentId !== null) {
        const mine = await this.#accept({ callId: this.facts.id, agentId, endpoint: '', offer })
        if (!mine) return this.take({ type: 'commandRefused', at: now(), visit, command: 'connect', leg })
      }
      if (this.#state.phase === 'ended') return
      const bridge = bridgeOf(this.facts.id)
      const created = await telephony.send({ do: 'createBridge', bridge })
      if (!created.ok && created.why !== 'conflict') return this.#reportRefusal('connect', visit, Promise.resolve(created), leg)
      this.#reportRefusal('connect', visit, telephony.send({ do: 'joinBridge', bridge, legs: [this.facts.leg, outgoingLeg(this.facts.id, leg)] }), leg)
    })
  }

  /**
   * The row first. If Postgres is away, two people who hold a phone to their
   * ear are joined all the same and the row follows: this process holds the
   * lease, so nobody else can have given the agent away.
   */
  async #accept(offer: Offer): Promise<boolean> {
    const { store, now, log } = this.#services
    try {
      return await store.acceptOffer(offer, now())
    } catch (error) {
      log.warn({ err: error, call: this.facts.id }, 'connected without the store; the row follows')
      const talking = (): boolean => this.#state.doing.what === 'talking'
      this.#work(async () => void (await untilStored(() => store.acceptOffer(offer, now()), talking)))
      return true
    }
  }

  #hangUpLeg(leg: LegName): void {
    void this.#services.telephony.send({ do: 'hangUp', leg: outgoingLeg(this.facts.id, leg) })
  }

  #tellCallerGone(leg: LegName): void {
    const channel = outgoingLeg(this.facts.id, leg)
    const prompt = this.#services.callerGone(this.#state.language)
    const playback = goodbyeOf(this.facts.id, leg)
    if (prompt === null) return this.#hangUpLeg(leg)
    this.#goodbyes.set(playback, channel)
    const { language } = this.#state
    void this.#services.telephony.send({ do: 'play', leg: channel, playback, prompts: [prompt], language }).then((outcome) => {
      if (!outcome.ok) this.goodbyeHeard(playback)
    })
  }

  #release(offer: number, agentId: string, why: Extract<CallCommand, { type: 'releaseAgent' }>['why']): void {
    const { store, now, dispatcher } = this.#services
    const queue = this.#services.queueOf(this.flow.flow, this.#state)
    const backToQueue = this.#state.phase === 'active'
    const at = now()
    const next = this.#services.nextForAgent(why, queue, at)
    this.#inOrder(async () => {
      await untilStored(() => store.releaseAgent({ agentId, callId: this.facts.id, offer, next, backToQueue, at }))
      dispatcher.kick(queue)
    })
  }

  /** Durable work of one call, one after the other. */
  #inOrder(work: () => Promise<void>): void {
    const before = this.#durable
    this.#work(() => (this.#durable = before.then(work)))
  }

  #work(work: () => Promise<void>): void {
    this.#openWork++
    work()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#openWork--
        this.#services.onSettled(this)
      })
  }
}

function promptIn(prompts: Record<string, Record<string, string>>, name: string, language: string): string | null {
  return prompts[name]?.[language] ?? null
}

/** Digits come and go without a write; where the call stands does not. */
function worthWriting(before: CallState, after: CallState): boolean {
  return (
    before.visit !== after.visit ||
    before.phase !== after.phase ||
    before.doing.what !== after.doing.what ||
    before.timers.pause !== after.timers.pause ||
    before.path !== after.path ||
    before.agentId !== after.agentId ||
    before.admission !== after.admission
  )
}
