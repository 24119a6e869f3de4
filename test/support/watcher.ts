/** Somebody who watches `/v1/live` over a real socket, and reads it as the HTML standard says (section 9.2.6). */
import http from 'node:http'

export type Heard = { id: string | null; event: string; data: any }

const PATIENCE_MS = 15_000

export class Watcher {
  /** All events, in their order. */
  readonly heard: Heard[] = []
  /** Of comments: those that keep the line from looking idle. */
  beats = 0
  /** What a browser would send as Last-Event-ID. */
  lastEventId = ''
  retryMs: number | null = null
  /** True: in order, with the last chunk; false: the line was cut. */
  readonly ended: Promise<boolean>
  readonly response: http.IncomingMessage
  readonly #waiting = new Set<() => void>()
  #text = ''
  #place = 0

  private constructor(response: http.IncomingMessage) {
    this.response = response
    this.ended = new Promise((resolve) => response.once('close', () => resolve(response.complete)))
    response.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    // Cut lines are told by `ended`.
    response.on('error', () => {})
  }

  /** @param query with its `?` */
  static async open(url: string, key: string, query = '', headers: Record<string, string> = {}): Promise<Watcher> {
    const request = http.get(`${url}/v1/live${query}`, { agent: false, headers: { authorization: `Bearer ${key}`, ...headers } })
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject))
    request.on('error', () => {})
    if (response.statusCode !== 200) {
      response.resume()
      throw new Error(`status ${response.statusCode}`)
    }
    return new Watcher(response)
  }

  /** The next event that is so, after the one that was asked for last; those in between are passed over. */
  async next(event: string, isIt: (data: any) => boolean = () => true): Promise<Heard> {
    const [heard] = await this.together([event, isIt])
    return heard!
  }

  /** The next of each of these, in whichever order they come. */
  async together(...wanted: [event: string, isIt: (data: any) => boolean][]): Promise<Heard[]> {
    const from = this.#place
    return this.#until(`${wanted.map(([event]) => event).join(', ')} after ${from} events`, () => {
      const places = wanted.map(([event, isIt]) =>
        this.heard.findIndex((one, index) => index >= from && one.event === event && isIt(one.data)),
      )
      if (places.includes(-1)) return null
      this.#place = Math.max(...places) + 1
      return places.map((place) => this.heard[place]!)
    })
  }

  async beat(): Promise<void> {
    const before = this.beats
    await this.#until('a comment', () => (this.beats > before ? true : null))
  }

  /** Reads no more, with the line open. */
  stopReading(): void {
    this.response.pause()
  }

  readOn(): void {
    this.response.resume()
  }

  leave(): void {
    this.response.destroy()
  }

  async #until<T>(what: string, look: () => T | null): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiting = (): void => {
      const seen = look()
      if (seen !== null) resolve(seen)
    }
    const giveUp = setTimeout(
      () => reject(new Error(`waited in vain for ${what}; heard ${this.heard.map((one) => one.event).join(', ')}`)),
      PATIENCE_MS,
    )
    this.#waiting.add(waiting)
    waiting()
    try {
      return await promise
    } finally {
      clearTimeout(giveUp)
      this.#waiting.delete(waiting)
    }
  }

  #read(text: string): void {
    const blocks = (this.#text + text).split('\n\n')
    this.#text = blocks.pop()!
    for (const block of blocks) this.#readBlock(block)
    for (const waiting of this.#waiting) waiting()
  }

  #readBlock(block: string): void {
    let event = 'message'
    let data: string | null = null
    let id: string | null = null
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line)!
      if (field === '') this.beats += 1
      else if (field === 'event') event = value
      else if (field === 'data') data = data === null ? value : `${data}\n${value}`
      else if (field === 'id') this.lastEventId = id = value
      else if (field === 'retry') this.retryMs = Number(value)
    }
    if (data !== null) this.heard.push({ id, event, data: JSON.parse(data) })
  }
}
