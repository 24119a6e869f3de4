/**
 * Commands through `ari-client`: one HTTP request each, for an Asterisk that
 * does not take them over the WebSocket, or where the operator prefers it.
 *
 * ari-client brings the operations, worked out from the API description that
 * Asterisk itself serves, and nothing else: its event socket gives up after
 * ten reconnects, goes deaf when a listener throws and never notices a dead
 * line, so events come over `event-socket.ts` here too.
 */
import type { AriCall, AriReply, CallCarrier } from './ari-call.ts'
import { AriHttpError, serveAriClient } from './ari-client-http.ts'
import { InOrder } from './in-order.ts'
import { saidInBody } from './over-websocket.ts'

type Operations = Record<string, Record<string, ((params: object) => PromiseLike<unknown>) | undefined> | undefined>

const MOST_PENDING = 2_000

/** Parameters that name a thing: commands that share one are sent one after the other. */
const NAMES = ['channelId', 'playbackId', 'bridgeId', 'name', 'recordingName', 'channel', 'id'] as const

export class AriOverClient implements CallCarrier {
  readonly #operations: Operations
  readonly #stop: () => void
  readonly #order = new InOrder()
  #pending = 0
  #connected = true

  private constructor(operations: Operations, stop: () => void) {
    this.#operations = operations
    this.#stop = stop
  }

  /**
   * Reads the API description.
   *
   * @throws Error when it cannot be had within the limit
   */
  static async discover(base: URL, user: string, password: string, authorization: string, limitMs: number): Promise<AriOverClient> {
    const { default: ariClient } = await import('ari-client')
    const stop = serveAriClient(base, authorization, limitMs)
    // Its first request has no time limit of its own, and some failures never settle.
    const { promise: late, reject } = Promise.withResolvers<never>()
    const limit = setTimeout(() => reject(new Error(`the API description did not come within ${2 * limitMs} ms`)), 2 * limitMs)
    try {
      const client = await Promise.race([ariClient.connect(base.origin, user, password), late])
      return new AriOverClient(client as unknown as Operations, stop)
    } catch (error) {
      stop()
      throw error instanceof Error ? error : new Error(String(error))
    } finally {
      clearTimeout(limit)
    }
  }

  attach(): void {
    this.#connected = true
  }

  /** Commands would still reach Asterisk, but nobody would hear what comes of them. */
  detach(): void {
    this.#connected = false
  }

  close(): void {
    this.#stop()
  }

  tell(call: AriCall): void {
    void this.request(call)
  }

  async request(call: AriCall): Promise<AriReply> {
    if (!this.#connected) return { status: null, why: 'unreachable', detail: 'not connected' }
    if (this.#pending >= MOST_PENDING) return { status: null, why: 'unreachable', detail: 'too many commands wait for an answer already' }
    this.#pending++
    try {
      return await this.#order.run(keysOf(call), () => this.#send(call))
    } finally {
      this.#pending--
    }
  }

  async #send(call: AriCall): Promise<AriReply> {
    if (!this.#connected) return { status: null, why: 'unreachable', detail: 'not connected' }
    const [resource = '', name = ''] = call.operation.split('.')
    const operation = this.#operations[resource]?.[name]
    if (operation === undefined) return { status: 501, detail: `this Asterisk has no ${call.operation}`, body: undefined }
    try {
      const body = await operation(call.fields === undefined ? call.params : { ...call.params, fields: call.fields })
      return { status: 200, detail: '', body }
    } catch (error) {
      if (!(error instanceof AriHttpError)) return { status: 500, detail: String(error), body: undefined }
      if (error.status !== null) return { status: error.status, detail: saidInBody(error.message) ?? error.message, body: undefined }
      const why = error.why ?? 'unreachable'
      return { status: null, why, detail: why === 'timeout' ? `no answer to ${call.operation}: ${error.message}` : error.message }
    }
  }
}

function keysOf(call: AriCall): string[] {
  const keys: string[] = []
  for (const name of NAMES) {
    const value = call.params[name]
    if (typeof value !== 'string') continue
    // A channel is `channelId` here and `channel` there (several, when a bridge takes them); a recording likewise.
    if (name === 'channel') keys.push(...value.split(','))
    else keys.push(value)
  }
  return keys
}
