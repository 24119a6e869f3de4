/** What was told last of the things that stand, so that only what is other than before is told again. */
import { type LiveChange, type LiveType, STANDING_TYPES, type Standing, type StandingType } from './events.ts'
import type { StandingThings } from './reading.ts'

export class Told {
  readonly #write: (change: LiveChange) => string
  /** By type, then by key: as JSON. */
  readonly #told: Record<StandingType, Map<string, string>> = {
    'queue.changed': new Map(),
    'agent.changed': new Map(),
    'announcement.changed': new Map(),
  }

  constructor(write: (change: LiveChange) => string, standing: StandingThings) {
    this.#write = write
    this.news(standing)
  }

  all(types: ReadonlySet<LiveType>): Standing[] {
    return STANDING_TYPES.filter((type) => types.has(type)).flatMap((type) =>
      [...this.#told[type]].map(([key, json]): Standing => ({ type, key, json })),
    )
  }

  /** Takes it over, and answers what is other than before. */
  news(standing: StandingThings): Standing[] {
    const news: Standing[] = []
    for (const type of STANDING_TYPES)
      for (const [key, change] of standing[type]) {
        const json = this.#write(change)
        if (this.#told[type].get(key) === json) continue
        this.#told[type].set(key, json)
        news.push({ type, key, json })
      }
    return news
  }

  /** Whether something is gone: an agent or a queue of `pforte.yaml`. That is rare, and no event tells it. */
  knowsMoreThan(standing: StandingThings): boolean {
    return STANDING_TYPES.some((type) => [...this.#told[type].keys()].some((key) => !standing[type].has(key)))
  }
}
