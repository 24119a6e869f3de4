/**
 * The hotline: calls, dispatch, voicemails and recovery, joined to one PBX.
 *
 * On every connect the PBX is asked what it kept (`recovery.ts`). What it
 * tells meanwhile is held back until that is settled, so that no event meets a
 * call that is not yet there.
 */
import type { Announcements } from './announcements.ts'
import { Calls, type CallObserver } from './calls/calls.ts'
import type { CallDefinitions } from './calls/definitions.ts'
import { recordingParts } from './calls/ids.ts'
import { Dispatcher } from './dispatcher.ts'
import type { AgentDefinition, CallStore } from './ports/store.ts'
import type { Log } from './ports/log.ts'
import type { Telephony, TelephonyEvent, TelephonyStatus } from './ports/telephony.ts'
import { adoptRows, reconcile } from './recovery.ts'
import { untilStored } from './store-patience.ts'
import { VoicemailKeeper, type KeptCall } from './voicemail-keeper.ts'

export type HotlineDeps = {
  /** Names the PBX in rows and in the lease. */
  asterisk: string
  telephony: Telephony
  store: CallStore
  log: Log
  now: () => number
  newId: () => string
  definitions: () => CallDefinitions
  agents: () => AgentDefinition[]
  /** Hashes of all prompts a caller may hear. */
  prompts: () => string[]
  announcements: Announcements
  observer: CallObserver
  describeCall(callId: string): Promise<KeptCall | null>
  defaultLanguage: string
  onVoicemail: (kept: { recording: string; callId: string | null; ticketId: string | null; ticketNumber: string | null }) => void
  /** Another process took our place on the PBX: this one must stop. */
  onReplaced: () => void
}

/** A PBX that is connected and did not answer is busy; callers stand still until it does. */
const ASK_AGAIN_MS = 200

export class Hotline {
  readonly calls: Calls
  readonly dispatcher: Dispatcher
  readonly voicemails: VoicemailKeeper
  readonly #deps: HotlineDeps
  #held: TelephonyEvent[] | null = []
  #rowsAdopted = false
  #recovering: Promise<void> = Promise.resolve()
  #closed = false

  constructor(deps: HotlineDeps) {
    this.#deps = deps
    this.calls = new Calls(deps)
    this.dispatcher = new Dispatcher(deps.store, deps.log, deps.now, this.calls.giveOffer)
    this.voicemails = new VoicemailKeeper({
      ...deps,
      describeCall: (id) => this.#describeCall(id),
      isBeingMade: (recording) => this.#isBeingMade(recording),
      onKept: (kept) => {
        this.#listenedTo(kept)
        deps.onVoicemail(kept)
      },
    })
    this.calls.wire(this.dispatcher, this.voicemails)
  }

  /** Every call stands where it stood, and events reach them. */
  get isSettled(): boolean {
    return this.#held === null
  }

  /** Settles when the PBX is connected and every call stands where it stood. */
  async start(): Promise<void> {
    const { telephony } = this.#deps
    telephony.onEvent((event) => this.#take(event))
    telephony.onStatus((status) => this.#statusChanged(status))
    await telephony.connect()
    await this.#recovering
  }

  /** The calls go on without us; what is unwritten is written. */
  async close(): Promise<void> {
    this.#closed = true
    this.dispatcher.close()
    this.voicemails.close()
    this.calls.close()
    await this.calls.journal.close()
  }

  /** Tells the PBX of every agent's SIP account; after a connect, a reload, a new password. */
  async pushAgents(): Promise<void> {
    const { store, agents, telephony, log } = this.#deps
    const passwords = await untilStored(
      () => store.agentPasswords(),
      () => !this.#closed,
    )
    if (passwords === null) return
    await this.#removeStrayAgents()
    for (const agent of agents()) {
      const password = passwords.get(agent.id)
      if (password === undefined) continue
      const pushed = await telephony.pushAgent({ id: agent.endpoint, username: agent.endpoint, password })
      // The next connect begins with all of them again.
      if (!pushed.ok && pushed.why === 'unreachable') return
      if (!pushed.ok) log.warn({ agent: agent.id, why: pushed.why, detail: pushed.detail }, 'the PBX did not take this SIP account')
    }
  }

  /**
   * Whoever has left pforte.yaml can register no more; a conversation of theirs goes on. The PBX itself is asked who is
   * there, since they may have left, or been demo agents, before this process began.
   */
  async #removeStrayAgents(): Promise<void> {
    const { agents, telephony, log } = this.#deps
    const isPresent = (endpoint: string): boolean => agents().some((agent) => agent.endpoint === endpoint)
    const strays = await telephony.strayAgents(agents().map((agent) => agent.endpoint))
    if (!strays.ok && strays.why !== 'unreachable')
      log.warn(
        { why: strays.why, detail: strays.detail },
        'the PBX did not say whose SIP accounts it has; those of agents who left may stay',
      )
    for (const endpoint of strays.ok ? strays.value : []) {
      // Somebody may have come in the meantime.
      if (isPresent(endpoint)) continue
      const removed = await telephony.removeAgent(endpoint)
      if (removed.ok || removed.why === 'gone' || removed.why === 'unreachable') continue
      log.warn({ endpoint, why: removed.why, detail: removed.detail }, 'the PBX still knows the SIP account of an agent who has left')
    }
  }

  /** Has the PBX fetch all prompts now, so that no caller waits for one. */
  async warmPrompts(): Promise<void> {
    const announced = this.#deps.announcements.all.flatMap((one) => Object.values(one.prompts))
    if (!this.#isConnected) return
    const warmed = await this.#deps.telephony.warm([...new Set([...this.#deps.prompts(), ...announced])])
    if (!warmed.ok)
      this.#deps.log.warn(
        { why: warmed.why, detail: warmed.detail },
        'prompts could not be fetched ahead; the first caller to hear one waits for it',
      )
  }

  #take(event: TelephonyEvent): void {
    if (this.#closed) return
    if (this.#held !== null) {
      this.#held.push(event)
      return
    }
    this.#route(event)
  }

  #route(event: TelephonyEvent): void {
    this.calls.handle(event)
    if (event.type === 'recordingFinished' || event.type === 'recordingFailed') this.voicemails.finished(event.recording)
  }

  #statusChanged(status: TelephonyStatus): void {
    if (status.is === 'replaced') return this.#deps.onReplaced()
    // Held from now on: what comes after the reconnect must wait for the reconciliation. What an earlier connection
    // told and nobody has heeded yet is not true any more: a caller of whom it tells may have gone unseen.
    this.#held = []
    if (status.is === 'disconnected') return
    this.#recovering = this.#recovering.then(() => this.#recover())
  }

  async #recover(): Promise<void> {
    const { log } = this.#deps
    let live: Set<string> | null = null
    // A recovery that outlived its connection has let events through, which must not meet the one that follows it.
    this.#held ??= []
    try {
      await this.#adoptRowsOnce()
      live = await this.#reconcile()
    } catch (error) {
      log.error({ err: error }, 'recovery failed: a bug in Pforte; new calls are taken all the same')
    }
    // If the connection went meanwhile, the next one begins with this again.
    if (this.#closed || !this.#isConnected) return
    const held = this.#held ?? []
    this.#held = null
    for (const event of held) this.#route(event)
    const calls = this.calls.underWay.length
    if (calls > 0) log.info({ calls }, 'every call stands where it stood')
    void this.#afterwards(live)
  }

  /** Once a process: afterwards memory is the truth, and rows follow it. */
  async #adoptRowsOnce(): Promise<void> {
    const { store, asterisk, log } = this.#deps
    if (this.#rowsAdopted) return
    const wanted = (): boolean => !this.#closed
    const rows = await untilStored(() => store.openCalls(asterisk), wanted)
    if (rows === null) return
    await adoptRows({ ...this.#deps, calls: this.calls }, rows, wanted)
    this.#rowsAdopted = true
    if (rows.length > 0) log.info({ calls: rows.length }, 'calls that were under way are taken up again')
  }

  /** Asks until the PBX answers or the connection goes. */
  async #reconcile(): Promise<Set<string> | null> {
    while (!this.#closed && this.#isConnected) {
      const live = await reconcile({ ...this.#deps, calls: this.calls })
      if (live !== null) return live
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
    }
    return null
  }

  get #isConnected(): boolean {
    return this.#deps.telephony.status.is === 'connected'
  }

  /** What may take its time, while calls already go on. */
  async #afterwards(live: Set<string> | null): Promise<void> {
    const { log } = this.#deps
    try {
      this.dispatcher.kick(null)
      if (live !== null) await this.voicemails.sweep(live)
      await this.pushAgents()
      await this.warmPrompts()
    } catch (error) {
      log.error({ err: error }, 'settling in after the connect failed: a bug in Pforte')
    }
  }

  /** Callers who are still there are told what became of their message; those who hung up at the beep turn out to have left none. */
  #listenedTo({ recording, ticketId }: { recording: string; ticketId: string | null }): void {
    const { now } = this.#deps
    const parts = recordingParts(recording)
    if (parts === null) return
    const { visit } = parts
    const call = this.calls.get(parts.call)
    if (call?.state.phase === 'active') call.take({ type: ticketId === null ? 'recordingFoundEmpty' : 'recordingKept', at: now(), visit })
    else if (ticketId === null) this.#leftNothing(parts.call)
  }

  #leftNothing(callId: string): void {
    const { store, log } = this.#deps
    this.calls.journal
      .written(callId)
      .then(() =>
        untilStored(
          () => store.voicemailWasEmpty(callId),
          () => !this.#closed,
        ),
      )
      .catch((error: unknown) =>
        log.error({ err: error, call: callId }, 'the outcome of this call could not be put right: a bug in Pforte'),
      )
  }

  #isBeingMade(recording: string): boolean {
    const parts = recordingParts(recording)
    const state = parts === null ? undefined : this.calls.get(parts.call)?.state
    return state?.doing.what === 'recording' && state.visit === parts?.visit
  }

  /** Its row is written first: the ticket is noted there, and once the call has ended only the row knows who called. */
  async #describeCall(id: string): Promise<KeptCall | null> {
    await this.calls.journal.written(id)
    const call = this.calls.get(id)
    if (call === undefined) return this.#deps.describeCall(id)
    const { line, caller, startedAt } = call.facts
    return { line, caller, startedAt, language: call.state.language }
  }
}
