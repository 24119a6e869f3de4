/**
 * The port, taken before there is anything behind it.
 *
 * Loading and preparing the API takes longer than taking up the calls of a
 * Pforte that fell, and callers must not wait for it. So the door is opened
 * first, which also tells at once if the port is taken; who knocks (Asterisk
 * for a prompt, a health check) waits for the moment until `answerWith`.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that is still coming in after this long is given up. */
const REQUEST_LIMIT_MS = 30_000
/** Longer than the pause between two health checks, so that they keep their connection. */
const KEEP_ALIVE_MS = 72_000
/** How long `close` waits for answers under way before it cuts them. */
const CLOSE_LIMIT_MS = 5_000

export class Door {
  readonly server: Server
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string
  #answer: RequestListener | null = null
  readonly #waiting: [IncomingMessage, ServerResponse][] = []

  private constructor(server: Server) {
    this.server = server
    const { address, port, family } = server.address() as AddressInfo
    this.url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
    server.on('request', (request, response) => {
      if (this.#answer === null) this.#waiting.push([request, response])
      else this.#answer(request, response)
    })
  }

  /**
   * Starts to listen. `localhost` is 127.0.0.1, which is where a private Asterisk asks.
   * @throws what `listen` throws (`EADDRINUSE`, `EACCES`), for the caller to word
   */
  static async open({ host, port }: { host: string; port: number }): Promise<Door> {
    const server = createServer({ requestTimeout: REQUEST_LIMIT_MS, keepAliveTimeout: KEEP_ALIVE_MS })
    server.listen({ port, host: host === 'localhost' ? '127.0.0.1' : host })
    await once(server, 'listening')
    return new Door(server)
  }

  /** Whoever waits is answered now, whoever comes later at once. */
  answerWith(answer: RequestListener): void {
    this.#answer = answer
    for (const [request, response] of this.#waiting.splice(0)) answer(request, response)
  }

  /** Lets nobody in any more, and settles when whoever is inside has been answered; within 5 s in any case. */
  async close(): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    for (const [, response] of this.#waiting.splice(0)) response.destroy()
    const cut = setTimeout(() => this.server.closeAllConnections(), CLOSE_LIMIT_MS)
    await closed
    clearTimeout(cut)
  }
}
