/**
 * One who watches: an answer that does not end. Whoever reads too slowly is
 * cut off, and resumes when they come back; nobody else waits for them.
 */
import type { ServerResponse } from 'node:http'
import type { LiveEvent } from '../../app/live/events.ts'
import type { LiveStart, LiveSubscriber } from '../../app/live/subscriber.ts'
import { beatFrame, framesOf, retryFrame, startFrames, type Wanted } from './frames.ts'

/** What may wait for a reader before the next is written. Batches are shared by all, so they take this room once. */
const MOST_WAITING_BYTES = 1024 * 1024
/** Those who lost the line together shall not come back together. */
const RETRY_MS = { least: 2_000, most: 4_000 }
/** A reader that is gone without a word is asked after so long whether it is there (TCP keep-alive). */
const ALIVE_MS = 30_000

const HEAD = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // Nothing comes after it, and it shall end at once when Pforte does.
  connection: 'close',
  // nginx would gather what is to be seen at once.
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export type StreamDeps = {
  response: ServerResponse
  wanted: Wanted
  /** It is read too slowly. */
  onCut: () => void
}

export class LiveStream implements LiveSubscriber {
  readonly types: Wanted['types']
  readonly #deps: StreamDeps
  readonly #response: ServerResponse
  /** What it has begun with, which may be more than may wait otherwise. */
  #allowance = 0

  constructor(deps: StreamDeps) {
    this.#deps = deps
    this.#response = deps.response
    this.types = deps.wanted.types
    this.#response.socket?.setKeepAlive(true, ALIVE_MS)
    this.#response.writeHead(200, HEAD)
    this.#response.write(retryFrame(RETRY_MS.least + Math.round(Math.random() * (RETRY_MS.most - RETRY_MS.least))))
  }

  begin(start: LiveStart): void {
    const frames = Buffer.from(startFrames(start))
    this.#allowance = frames.length
    this.#write(frames)
  }

  take(events: readonly LiveEvent[]): void {
    const frames = framesOf(events, this.#deps.wanted)
    if (frames.length > 0) this.#write(frames)
  }

  beat(position: string): void {
    this.#write(beatFrame(position))
  }

  end(): void {
    // Whoever has not read what there is would keep a closing Pforte waiting.
    if (this.#response.writableLength > 0) this.#response.destroy()
    else this.#response.end()
  }

  #write(frames: Buffer | string): void {
    const { response } = this.#deps
    if (response.destroyed || response.writableEnded) return
    if (response.writableLength <= MOST_WAITING_BYTES + this.#allowance) response.write(frames)
    else {
      this.#deps.onCut()
      response.destroy()
    }
  }
}
