/**
 * Requests to a Pforte in another process. `asFastAsItGoes` sends the next one
 * when the last is answered, over so many connections; `atRate` sends them at
 * their times, however long the others take, and counts from the time at which
 * each was to be sent, so that a stall is not hidden by what it kept back.
 */
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

export type Asked = { method: string; path: string; body?: string; headers?: Record<string, string> }
export type Target = { url: string; key: string; connections: number }
export type Loaded = { answered: number; failed: string[]; seconds: number; spentMs: number[] }

export async function asFastAsItGoes(target: Target, forMs: number, ask: (place: number) => Asked): Promise<Loaded> {
  const load = new Load(target)
  const began = performance.now()
  let place = 0
  const worker = async (): Promise<void> => {
    while (performance.now() - began < forMs) await load.send(ask(place++), performance.now())
  }
  await Promise.all(Array.from({ length: target.connections }, worker))
  return load.end(began)
}

export async function atRate(target: Target, perSecond: number, forMs: number, ask: (place: number) => Asked): Promise<Loaded> {
  const load = new Load(target)
  const began = performance.now()
  const sent: Promise<void>[] = []
  const count = Math.round((perSecond * forMs) / 1000)
  for (let place = 0; place < count; place++) {
    const dueAt = began + (place * 1000) / perSecond
    const early = dueAt - performance.now()
    if (early > 1) await wait(early)
    sent.push(load.send(ask(place), dueAt))
  }
  await Promise.all(sent)
  return load.end(began)
}

class Load {
  readonly #target: Target
  readonly #agent: Agent
  readonly #spentMs: number[] = []
  readonly #failed: string[] = []

  constructor(target: Target) {
    this.#target = target
    this.#agent = new Agent({ keepAlive: true, maxSockets: target.connections })
  }

  async send({ method, path, body, headers = {} }: Asked, from: number): Promise<void> {
    const sent: Record<string, string> = { authorization: `Bearer ${this.#target.key}`, ...headers }
    if (body !== undefined) {
      sent['content-type'] = 'application/json'
      sent['content-length'] = String(Buffer.byteLength(body))
    }
    const { status, text } = await this.#answer(method, path, sent, body)
    this.#spentMs.push(performance.now() - from)
    if (status < 200 || status > 299) this.#failed.push(`${status} ${text}`)
  }

  end(began: number): Loaded {
    this.#agent.destroy()
    const answered = this.#spentMs.length - this.#failed.length
    return { answered, failed: this.#failed, seconds: (performance.now() - began) / 1000, spentMs: this.#spentMs }
  }

  #answer(method: string, path: string, headers: Record<string, string>, body?: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      request(this.#target.url + path, { method, headers, agent: this.#agent }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      })
        .on('error', reject)
        .end(body)
    })
  }
}
