/**
 * One WebSocket to Asterisk, from opening to loss. It notices a line that is
 * dead without having been closed (a pulled cable, a firewall that forgot it):
 * whoever says nothing for a ping and its deadline is let go.
 *
 * It never reconnects; `ari-link.ts` opens the next one.
 */
import type { connect, Socket, TcpNetConnectOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import WebSocket from 'ws'
import { socketReadingInPlace } from '../wire/reading-in-place.ts'
import { textFrames } from '../wire/websocket-frames.ts'

export type EventSocketSettings = {
  /** `ws://…/ari/events?app=…`, without credentials: they go into a header, which no log shows. */
  url: string
  authorization: string
  /** A ping goes out this often; a line on which nothing came until the next one is dead. */
  pingMs: number
  openWithinMs: number
  /** What Asterisk says, in UTF-8. */
  onMessage(text: Buffer): void
  /** Once, after a successful open. */
  onLost(why: string): void
}

/** More than any list that Asterisk answers with, and less than what would hurt. */
const LARGEST_MESSAGE_BYTES = 32 * 1024 * 1024

/** Over TLS another layer reads, with buffers of its own. */
function connectPlainly({ host, port }: TcpNetConnectOpts): Socket {
  return socketReadingInPlace().connect({ host, port })
}

export class EventSocket {
  readonly #socket: WebSocket
  /** What lies under it. */
  readonly #stream: Duplex
  readonly #onLost: (why: string) => void
  #heard = true
  #unsent: string[] = []
  #unsentLength = 0
  #pings: NodeJS.Timeout | undefined
  #lost = false
  #why: string | undefined

  private constructor(socket: WebSocket, stream: Duplex, settings: EventSocketSettings) {
    this.#socket = socket
    this.#stream = stream
    this.#onLost = settings.onLost
    socket.on('pong', () => {
      this.#heard = true
    })
    socket.on('error', (error) => {
      this.#why ??= error.message
    })
    socket.on('close', (code) => this.#end(this.#why ?? `Asterisk closed the connection (${code})`))
    this.#pings = setInterval(() => this.#ping(), settings.pingMs)
  }

  /**
   * @throws Error with the reason in a few words; `status` on it when Asterisk answered with HTTP instead
   */
  static open(settings: EventSocketSettings): Promise<EventSocket> {
    const { url, authorization, openWithinMs } = settings
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, {
        headers: { authorization },
        handshakeTimeout: openWithinMs,
        perMessageDeflate: false,
        ...(url.startsWith('ws:') ? { createConnection: connectPlainly as typeof connect } : {}),
        maxPayload: LARGEST_MESSAGE_BYTES,
        // Asterisk's own JSON; what is no UTF-8 in it becomes U+FFFD.
        skipUTF8Validation: true,
      })
      const fail = (error: Error): void => reject(error)
      socket.once('error', fail)
      let opened: EventSocket | undefined
      let stream: Duplex | undefined
      socket.once('upgrade', (response) => {
        stream = response.socket
      })
      // Listening before it is open: what comes in the same packet as the handshake is not lost.
      socket.on('message', (data, isBinary) => {
        // One that was let go may still hold an ApplicationReplaced that its own successor caused.
        if (opened !== undefined) {
          if (opened.#lost) return
          opened.#heard = true
        }
        if (!isBinary) settings.onMessage(data as Buffer)
      })
      socket.once('open', () => {
        socket.off('error', fail)
        opened = new EventSocket(socket, stream!, settings)
        resolve(opened)
      })
    })
  }

  /**
   * Commands that come together (a handful at each turn of a call) leave in one
   * write: the system call costs more than all the rest of a command.
   *
   * @returns false when it is no longer open
   */
  send(text: string): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false
    if (this.#unsent.length === 0) setImmediate(this.#write)
    this.#unsent.push(text)
    this.#unsentLength += text.length
    return true
  }

  readonly #write = (): void => {
    const texts = this.#unsent
    this.#unsent = []
    this.#unsentLength = 0
    // Between two frames of `ws`, which writes each of its own at once: pings, and the end.
    if (this.#socket.readyState === WebSocket.OPEN) this.#stream.write(textFrames(texts))
  }

  /** What has been given to the socket and not yet to the network. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount + this.#unsentLength
  }

  /** Lets it go at once; `onLost` is told. */
  drop(why: string): void {
    this.#why ??= why
    this.#socket.terminate()
    this.#end(why)
  }

  #ping(): void {
    // After this process itself stood still, the answer may lie unread in the
    // socket: timers run first, so the verdict waits for one round of reading.
    setImmediate(() => {
      if (this.#lost) return
      if (!this.#heard) return this.drop('the line is dead: no answer to a ping')
      this.#heard = false
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping()
    })
  }

  #end(why: string): void {
    if (this.#lost) return
    this.#lost = true
    clearInterval(this.#pings)
    this.#onLost(why)
  }
}
