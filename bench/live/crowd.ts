/** The many who watch, as the bench sees them. */
import { fork, type ChildProcess } from 'node:child_process'
import { within } from '../load/within.ts'
import type { Heard, SubscribersSettings } from './subscribers.ts'

const PATIENCE_MS = 20_000

export class Crowd {
  readonly #child: ChildProcess
  readonly #heard = new Map<string, PromiseWithResolvers<number>>()
  readonly #ready = Promise.withResolvers<number>()
  /** Lines that broke. */
  lost = 0

  private constructor(settings: SubscribersSettings) {
    this.#child = fork(new URL('./subscribers.ts', import.meta.url), [JSON.stringify(settings)])
    this.#child.on('message', (heard: Heard) => {
      if ('mark' in heard) this.#of(heard.mark).resolve(heard.at)
      else if ('ready' in heard) this.#ready.resolve(heard.ready)
      else this.lost += 1
    })
  }

  /** Settles when all of them have been told how things stand. */
  static async gather(settings: SubscribersSettings): Promise<Crowd> {
    const crowd = new Crowd(settings)
    await within(PATIENCE_MS, `${settings.count} who watch`, crowd.#ready.promise)
    return crowd
  }

  /** When the last of them heard of it, by the machine's clock, in ms. */
  all(mark: string): Promise<number> {
    return within(PATIENCE_MS, `all to hear of ${mark}`, this.#of(mark).promise).finally(() => this.#heard.delete(mark))
  }

  leave(): void {
    this.#child.disconnect()
  }

  #of(mark: string): PromiseWithResolvers<number> {
    let heard = this.#heard.get(mark)
    if (heard === undefined) this.#heard.set(mark, (heard = Promise.withResolvers<number>()))
    return heard
  }
}
