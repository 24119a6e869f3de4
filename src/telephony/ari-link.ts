/**
 * The connection to Asterisk, for as long as Pforte runs.
 *
 *   trying ──► connected ──► trying …      a loss, at any time
 *      │           └───────► replaced      another process took the application: final
 *      └─► failed                          first time only: no retry mends it
 *   any ──► closed                         by us
 *
 * Trying goes on without end, each pause jittered so that many processes do
 * not come back in step. Messages that come before everything is ready (the
 * filter is set, the listeners know that they are connected) are held.
 */
import type { Log } from '../app/ports/log.ts'
import { askVersion, eventUrl, filterEvents, type AriAccess } from './ari-access.ts'
import { bestTransport, isTooOld, parseVersion, securityWarning, shortVersion, type Transport } from './asterisk-version.ts'
import { ConnectFailure } from './connect-failure.ts'
import { EventSocket } from './event-socket.ts'

export type Connection = { socket: EventSocket; version: string; transport: Transport }

export type AriLinkSettings = {
  access: AriAccess
  /** Null: what the server can. */
  transport: Transport | null
  pingMs: number
  log: Log
  /** Anything that must stand before commands can be sent. What it throws counts as a failed try. */
  prepare(connection: Connection): Promise<void>
  onConnected(connection: Connection): void
  onMessage(text: Buffer): void
  /** Also when a first try fails. */
  onDisconnected(why: string): void
}

const FIRST_PAUSE_MS = 100
/** Callers wait meanwhile; a try costs next to nothing. */
const LONGEST_PAUSE_MS = 1_000

export class AriLink {
  readonly #settings: AriLinkSettings
  #socket: EventSocket | null = null
  /** Not null while messages are held. */
  #held: Buffer[] | null = []
  #tries = 0
  #retry: NodeJS.Timeout | undefined
  #over = false
  #everConnected = false
  readonly #first = Promise.withResolvers<void>()
  readonly #warned = new Set<string>()
  #lastWhy = ''

  constructor(settings: AriLinkSettings) {
    this.#settings = settings
    // Whoever never asks for the first connection is not to be ended by its failure.
    this.#first.promise.catch(() => {})
  }

  /** @throws ConnectFailure */
  connect(): Promise<void> {
    if (this.#tries === 0 && !this.#over) void this.#try()
    return this.#first.promise
  }

  /** Ends it for good. `connect`, if it still waits, fails with the reason. */
  close(why: string): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#retry)
    this.#first.reject(new ConnectFailure(why, 'Nothing needs to be done'))
    this.#socket?.drop(why)
  }

  async #try(): Promise<void> {
    const { access, log } = this.#settings
    this.#tries++
    let socket: EventSocket | undefined
    try {
      const { version, transport } = this.#judge(await askVersion(access))
      if (this.#over) return
      this.#held = []
      let lost: string | undefined
      socket = await EventSocket.open({
        url: eventUrl(access),
        authorization: access.authorization,
        pingMs: this.#settings.pingMs,
        openWithinMs: access.limitMs,
        onMessage: (text) => this.#message(text),
        onLost: (why) => {
          lost = why
          if (this.#socket === socket) this.#lost(why)
        },
      })
      await filterEvents(access)
      const connection: Connection = { socket, version: shortVersion(version), transport }
      await this.#settings.prepare(connection)
      if (lost !== undefined) throw new Error(lost)
      if (this.#over) return socket.drop('closed')
      this.#connected(connection)
    } catch (error) {
      socket?.drop('this try failed')
      if (this.#over) return
      if (error instanceof ConnectFailure) {
        if (!this.#everConnected) {
          this.#over = true
          this.#settings.onDisconnected(error.what)
          return this.#first.reject(error)
        }
        if (error.what !== this.#lastWhy) log.error({ mend: error.mend }, error.what)
      }
      this.#lost(error instanceof Error ? error.message : String(error))
    }
  }

  #judge(version: string): { version: string; transport: Transport } {
    if (isTooOld(version)) {
      throw new ConnectFailure(
        `Asterisk ${shortVersion(version)} is too old`,
        'Pforte needs 18 or later, better 22.10.1; or leave ARI_URL unset to use a private one',
      )
    }
    const warning = securityWarning(version)
    if (warning !== null && !this.#warned.has(version)) {
      this.#warned.add(version)
      this.#settings.log.warn({ version: shortVersion(version) }, warning)
    }
    const best = bestTransport(version)
    const transport = this.#settings.transport ?? best
    // One whose version cannot be read (a build of one's own) is believed.
    if (transport === 'websocket' && best !== 'websocket' && parseVersion(version) !== null) {
      throw new ConnectFailure(
        `Asterisk ${shortVersion(version)} takes no commands over the WebSocket`,
        'Leave ARI_TRANSPORT unset, or set it to ari-client; or update to 20.14, 21.9, 22.4 or later',
      )
    }
    return { version, transport }
  }

  #connected(connection: Connection): void {
    const { version, transport } = connection
    this.#socket = connection.socket
    this.#tries = 1
    this.#lastWhy = ''
    this.#settings.log.info({ version, transport }, 'connected to Asterisk')
    this.#settings.onConnected(connection)
    this.#everConnected = true
    this.#first.resolve()
    const held = this.#held ?? []
    this.#held = null
    for (const text of held) this.#settings.onMessage(text)
  }

  #message(text: Buffer): void {
    if (this.#held !== null) this.#held.push(text)
    else this.#settings.onMessage(text)
  }

  #lost(why: string): void {
    this.#socket = null
    if (this.#over) return
    // One line for each reason, not one for each try.
    if (why !== this.#lastWhy) {
      this.#lastWhy = why
      this.#settings.log.warn({ why }, 'no connection to Asterisk; trying without end')
      this.#settings.onDisconnected(why)
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#tries - 1, 10))
    this.#retry = setTimeout(() => void this.#try(), pauseMs * (0.5 + Math.random() / 2))
  }
}
