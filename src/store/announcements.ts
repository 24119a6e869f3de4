/** Special announcements: named in pforte.yaml, switched on and off while Pforte runs. */
import type { Result } from '../app/ports/records.ts'
import type { Announcement } from '../app/ports/store.ts'
import type { Connections, Statement } from './connections.ts'
import { refuse } from './customers.ts'
import { printable } from './phone-numbers.ts'

const listAll: Statement = {
  name: 'list announcements',
  text: `SELECT name, is_on AS "on", text, prompts, ends_at AS "endsAt" FROM announcements WHERE removed_at IS NULL ORDER BY name`,
}
const change: Statement = {
  name: 'change an announcement',
  text: `UPDATE announcements SET is_on = $2, text = $3::jsonb, prompts = $4::jsonb, ends_at = $5, updated_at = $6
    WHERE name = $1 AND removed_at IS NULL RETURNING name`,
}

export class Announcements {
  readonly #connections: Connections

  constructor(connections: Connections) {
    this.#connections = connections
  }

  list(): Promise<Announcement[]> {
    return this.#connections.run<Announcement>(listAll, [])
  }

  async put(announcement: Announcement, at: number): Promise<Result<Announcement>> {
    const { name, on, text, prompts, endsAt } = announcement
    const changed = await this.#connections.run(change, [
      printable(name),
      on,
      JSON.stringify(printableTexts(text)),
      JSON.stringify(prompts),
      endsAt === null ? null : new Date(endsAt),
      new Date(at),
    ])
    if (changed.length === 0)
      return refuse('not_found', null, `No flow has an announcement "${printable(name)}"; their names are in pforte.yaml.`)
    this.#connections.changes.committed.announcement()
    return { ok: true, value: announcement }
  }
}

function printableTexts(text: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(text).map(([language, words]) => [language, words.split('\n').map(printable).join('\n')]))
}
