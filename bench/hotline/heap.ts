/**
 * How much of Node's heap is really in use: after a collection that is asked
 * for over the inspector, so that garbage that merely waits does not count.
 */
import { once } from 'node:events'
import WebSocket from 'ws'

/** What Pforte is started with. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

const MEGABYTE = 1024 * 1024

export class Heap {
  readonly #socket: WebSocket
  #asked = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** @param output what the process printed so far; Node tells the inspector's address there */
  static async of(output: readonly string[]): Promise<Heap> {
    const address = output.map((line) => /ws:\/\/\S+/.exec(line)?.[0]).find((found) => found !== undefined)
    if (address === undefined) throw new Error('the process was not started as INSPECTABLE says')
    const socket = new WebSocket(address)
    await once(socket, 'open')
    return new Heap(socket)
  }

  async usedMb(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#ask('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize / MEGABYTE
  }

  close(): void {
    this.#socket.close()
  }

  async #ask(method: string): Promise<unknown> {
    const id = ++this.#asked
    this.#socket.send(JSON.stringify({ id, method }))
    for (;;) {
      const [data] = (await once(this.#socket, 'message')) as [Buffer]
      const answer = JSON.parse(data.toString()) as { id?: number; result?: unknown }
      if (answer.id === id) return answer.result
    }
  }
}
