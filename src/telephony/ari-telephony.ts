/**
 * The PBX that Pforte's calls run on: Asterisk, over ARI.
 *
 * Events always come over one WebSocket of ours (`ari-link.ts`). Commands go
 * the way that suits the Asterisk (`over-websocket.ts`, `over-ari-client.ts`);
 * which one is decided anew at each connect, as it may have been updated.
 */
import type {
  AgentEndpoint,
  Observed,
  Outcome,
  StoredRecording,
  Telephony,
  TelephonyCommand,
  TelephonyEvent,
  TelephonyStatus,
  ToldCommand,
} from '../app/ports/telephony.ts'
import type { Log } from '../app/ports/log.ts'
import { pushAgent, removeAgent, strayAgents } from './agent-accounts.ts'
import type { AriAccess } from './ari-access.ts'
import type { AriCall, AriReply, CallCarrier, CommandCarrier } from './ari-call.ts'
import { EventTranslator, type AriEvent } from './ari-events.ts'
import { AriLink, type Connection } from './ari-link.ts'
import type { Transport } from './asterisk-version.ts'
import { ConnectFailure } from './connect-failure.ts'
import { callFor, type CallSettings } from './command-calls.ts'
import { fallbackLegs, observe } from './observe.ts'
import { failureOf, isSuccess, outcomeOf } from './outcome.ts'
import { readEnd, readQuickly } from './quick-reading.ts'
import { AriOverClient } from './over-ari-client.ts'
import { AriOverWebSocket, type RestResponse } from './over-websocket.ts'
import { fetchRecordingFile } from './recordings.ts'
import { PromptWarmer, WARM_PREFIX } from './warm-prompts.ts'

export type AriTelephonySettings = {
  access: AriAccess
  transport: Transport | null
  promptUrl: string
  pingMs: number
  now: () => number
  log: Log
}

type EventListener = (event: TelephonyEvent) => void
type StatusListener = (status: TelephonyStatus) => void

export class AriTelephony implements Telephony {
  readonly #access: AriAccess
  readonly #calls: CallSettings
  readonly #log: Log
  readonly #now: () => number
  readonly #link: AriLink
  readonly #translator = new EventTranslator()
  readonly #eventListeners: EventListener[] = []
  readonly #statusListeners: StatusListener[] = []
  readonly #overWebSocket: AriOverWebSocket
  readonly #warmer: PromptWarmer
  /** Carries what is not worth a decision: whatever is connected now. */
  readonly #carrier: CommandCarrier = { request: (call) => this.#request(call) }
  #overClient: { version: string; client: AriOverClient } | null = null
  #current: CallCarrier | null = null
  #status: TelephonyStatus = { is: 'disconnected', why: 'not connected yet' }

  constructor({ access, transport, promptUrl, pingMs, now, log }: AriTelephonySettings) {
    this.#access = access
    this.#calls = { app: access.app, promptUrl: promptUrl.replace(/\/+$/, '') }
    this.#log = log
    this.#now = now
    this.#overWebSocket = new AriOverWebSocket(access.limitMs)
    this.#warmer = new PromptWarmer(this.#carrier, this.#calls)
    this.#link = new AriLink({
      access,
      transport,
      pingMs,
      log,
      prepare: (connection) => this.#prepare(connection),
      onConnected: (connection) => this.#connected(connection),
      onMessage: (text) => this.#message(text),
      onDisconnected: (why) => this.#disconnected({ is: 'disconnected', why }),
    })
  }

  get status(): TelephonyStatus {
    return this.#status
  }

  connect(): Promise<void> {
    return this.#link.connect()
  }

  onEvent(listener: EventListener): void {
    this.#eventListeners.push(listener)
  }

  onStatus(listener: StatusListener): void {
    this.#statusListeners.push(listener)
  }

  async send(command: TelephonyCommand): Promise<Outcome> {
    const call = callFor(command, this.#calls)
    if (typeof call === 'string') return { ok: false, why: 'refused', detail: call }
    if (command.do === 'stopRinging' && (await this.#isUp(command.leg)))
      return { ok: false, why: 'conflict', detail: 'somebody has just picked up' }
    const outcome = outcomeOf(await this.#request(call))
    if (outcome.ok || outcome.why !== 'conflict' || (command.do !== 'ring' && command.do !== 'dial')) return outcome
    return this.#isTaken(command.leg, outcome)
  }

  tell(command: ToldCommand): void {
    const call = callFor(command, this.#calls)
    if (typeof call !== 'string') this.#current?.tell(call)
  }

  observe(askAboutRecordings: string[]): Promise<Outcome<Observed>> {
    return observe(this.#carrier, this.#access.app, askAboutRecordings, this.#now)
  }

  fallbackLegs(): Promise<Outcome<string[]>> {
    return fallbackLegs(this.#carrier, this.#access.app)
  }

  async storedRecordings(): Promise<Outcome<StoredRecording[]>> {
    const reply = await this.#request({ operation: 'recordings.listStored', params: {} })
    if (!isSuccess(reply)) return failureOf(reply)
    const stored = reply.body as StoredRecording[]
    return { ok: true, value: stored.map(({ name, format }) => ({ name, format })) }
  }

  fetchRecording(name: string): Promise<Outcome<AsyncIterable<Uint8Array>>> {
    return fetchRecordingFile(this.#access, name)
  }

  async deleteRecording(name: string): Promise<Outcome> {
    return outcomeOf(await this.#request({ operation: 'recordings.deleteStored', params: { recordingName: name } }))
  }

  pushAgent(endpoint: AgentEndpoint): Promise<Outcome> {
    return pushAgent(this.#carrier, endpoint)
  }

  removeAgent(id: string): Promise<Outcome> {
    return removeAgent(this.#carrier, id)
  }

  strayAgents(present: string[]): Promise<Outcome<string[]>> {
    return strayAgents(this.#carrier, present)
  }

  warm(prompts: string[]): Promise<Outcome> {
    return this.#warmer.warm(prompts)
  }

  async close(): Promise<void> {
    this.#link.close('Pforte ended the connection')
    if (this.#status.is === 'connected') this.#disconnected({ is: 'disconnected', why: 'Pforte ended the connection' })
    this.#overClient?.client.close()
    this.#overClient = null
  }

  #request(call: AriCall): Promise<AriReply> {
    return this.#current === null
      ? Promise.resolve({ status: null, why: 'unreachable', detail: 'not connected' })
      : this.#current.request(call)
  }

  async #isUp(leg: string): Promise<boolean> {
    const reply = await this.#request({ operation: 'channels.get', params: { channelId: leg } })
    return isSuccess(reply) && (reply.body as { state: string }).state === 'Up'
  }

  /**
   * Asterisk answers 409 to a new channel not only for an id that is taken: the
   * error of the last one sticks to its thread, so a later failure of another
   * kind looks the same [tried, 22.10.1].
   */
  async #isTaken(leg: string, conflict: Outcome): Promise<Outcome> {
    const reply = await this.#request({ operation: 'channels.get', params: { channelId: leg } })
    if (reply.status !== 404) return conflict
    return { ok: false, why: 'refused', detail: 'Asterisk could not call: this phone is not registered, or there is no such account' }
  }

  async #prepare({ version, transport }: Connection): Promise<void> {
    if (transport === 'websocket' || this.#overClient?.version === version) return
    this.#overClient?.client.close()
    this.#overClient = null
    const { base, user, password, authorization, limitMs } = this.#access
    if (base.pathname !== '/')
      throw new ConnectFailure('ari-client knows no path before /ari', 'Take prefix out of Asterisk’s http.conf and out of ARI_URL')
    this.#overClient = { version, client: await AriOverClient.discover(base, user, password, authorization, limitMs) }
  }

  #connected({ socket, version, transport }: Connection): void {
    if (transport === 'websocket') {
      this.#overWebSocket.attach(socket)
      this.#current = this.#overWebSocket
    } else {
      const client = this.#overClient!.client
      client.attach()
      this.#current = client
    }
    this.#tell({ is: 'connected', version, transport })
  }

  #disconnected(status: TelephonyStatus): void {
    this.#current = null
    const why = status.is === 'disconnected' ? status.why : 'another process took over'
    this.#overWebSocket.detach(why)
    this.#overClient?.client.detach()
    this.#warmer.lost()
    this.#tell(status)
  }

  #message(said: Buffer): void {
    if (this.#overWebSocket.takeQuickly(said)) return
    const text = said.toString()
    let type = 'unreadable'
    try {
      const message = this.#read(text)
      if (message === null) return
      type = message.type
      if (type === 'RESTResponse') return this.#overWebSocket.take(message as RestResponse)
      if (type === 'ApplicationReplaced') return this.#replaced()
      const event = this.#translator.translate(message, this.#now())
      if (event === null) return
      if (event.type === 'playbackFinished' && event.playback.startsWith(WARM_PREFIX))
        return this.#warmer.finished(event.playback, event.ok)
      this.#dispatch(event)
    } catch (error) {
      // The type only: an event may hold a digit, and a SyntaxError quotes what it stumbled over.
      this.#log.error(
        { event: type, ...(error instanceof SyntaxError ? {} : { err: error }) },
        'this event could not be understood; the next ones are',
      )
    }
  }

  /** Null: a further sign of an end that has been told. */
  #read(text: string): AriEvent | null {
    const end = readEnd(text)
    if (end === null) return readQuickly(text) ?? (JSON.parse(text) as AriEvent)
    if (this.#translator.hasEnded(end.leg)) return null
    // Why it ended is of interest only where nobody had answered.
    return end.wasUp ? { type: 'StasisEnd', channel: { id: end.leg, state: 'Up' } } : (JSON.parse(text) as AriEvent)
  }

  #dispatch(event: TelephonyEvent): void {
    for (const listener of this.#eventListeners) {
      try {
        listener(event)
      } catch (error) {
        this.#log.error({ err: error, event: event.type }, 'a listener failed at this event: a bug in Pforte; the next ones are told')
      }
    }
  }

  #replaced(): void {
    this.#log.error({ app: this.#access.app }, 'another process took over this application on Asterisk; only one may run')
    this.#link.close('another process took over')
    this.#disconnected({ is: 'replaced' })
  }

  #tell(status: TelephonyStatus): void {
    this.#status = status
    for (const listener of this.#statusListeners) {
      try {
        listener(status)
      } catch (error) {
        this.#log.error({ err: error, status: status.is }, 'a listener failed at this status: a bug in Pforte')
      }
    }
  }
}
