/**
 * Special announcements (an outage in Mannheim), mirrored in memory so that a
 * call hears them without a query, and while Postgres is away too.
 */
import type { Announcement, CallStore } from './ports/store.ts'

export class Announcements {
  readonly #store: Pick<CallStore, 'announcements'>
  #byName = new Map<string, Announcement>()

  constructor(store: Pick<CallStore, 'announcements'>) {
    this.#store = store
  }

  async reload(): Promise<void> {
    const all = await this.#store.announcements()
    this.#byName = new Map(all.map((announcement) => [announcement.name, announcement]))
  }

  changed(announcement: Announcement): void {
    this.#byName.set(announcement.name, announcement)
  }

  get all(): Announcement[] {
    return [...this.#byName.values()]
  }

  /** What a caller hears now, or null while it is off. Another language is better than no warning. */
  promptFor(name: string, language: string, at: number): string | null {
    const found = this.#byName.get(name)
    if (found === undefined || !found.on) return null
    if (found.endsAt !== null && found.endsAt <= at) return null
    return found.prompts[language] ?? Object.values(found.prompts)[0] ?? null
  }
}
