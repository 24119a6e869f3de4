/** What stories of those who watch begin with. */
import { callRow as aCallRow } from '../support/stories.ts'
import type { Test } from 'tap'
import type { LiveHubDeps } from '../../src/app/live/hub.ts'
import type { CallRow, Definitions } from '../../src/app/ports/store.ts'
import type { Store } from '../../src/store/open.ts'
import { Watcher } from '../support/watcher.ts'
import { KEY, runHttp, type Running } from './running.ts'
import { definitions } from './the-service.ts'

export type Watched = Running & {
  /** Told how things stand by the time it is answered. */
  watch(query?: string, headers?: Record<string, string>): Promise<Watcher>
  makeTicket(subject: string, caller?: string): Promise<any>
}

export async function watching(t: Test, live?: (store: Store) => Partial<LiveHubDeps>, databaseUrl?: string): Promise<Watched> {
  const running = await runHttp(t, {}, databaseUrl, live)
  return {
    ...running,
    watch: async (query, headers) => {
      const watcher = await Watcher.open(running.url, KEY, query, headers)
      t.teardown(() => watcher.leave())
      await watcher.next('ready')
      return watcher
    },
    // A landline, unless it is to be told by SMS.
    makeTicket: async (subject, caller = '+4962155501') => (await running.ask('POST', '/v1/tickets', { subject, caller })).body,
  }
}

export function definitionsWith(agents: string[]): Definitions {
  return { ...definitions, hash: `with ${agents.join()}`, agents: definitions.agents.filter(({ id }) => agents.includes(id)) }
}

export function callRow(id: string): CallRow {
  const startedAt = Date.now()
  return aCallRow(id, {
    asterisk: 'test',
    leg: id,
    caller: '+496215550123',
    startedAt,
    answeredAt: startedAt,
    path: [{ step: 'waiting', enteredAt: startedAt, outcome: null }],
  })
}
