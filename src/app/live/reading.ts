/** Reads what those who watch are told: one query a kind. One after the other, so that calls find connections of the pool free. */
import type { LiveStore, Touched } from '../ports/live.ts'
import type { LiveChange, LiveType, StandingType } from './events.ts'

/** What stands, by its key. */
export type StandingThings = Record<StandingType, Map<string, LiveChange>>

/** Tickets, calls and messages that were changed, as far as somebody wants to hear of them. @throws StoreUnavailable */
export async function readChanged(
  store: LiveStore,
  { tickets, calls, messages }: Touched,
  wanted: ReadonlySet<LiveType>,
): Promise<LiveChange[]> {
  const changed: LiveChange[] = []
  if (tickets.size > 0 && wanted.has('ticket.changed'))
    for (const of of await store.tickets([...tickets])) changed.push({ type: 'ticket.changed', of })
  if (calls.size > 0 && wanted.has('call.changed'))
    for (const of of await store.calls([...calls])) changed.push({ type: 'call.changed', of })
  if (messages.size > 0 && wanted.has('message.changed'))
    for (const of of await store.messages([...messages])) changed.push({ type: 'message.changed', of })
  return changed
}

/** @param at decides whose wrap-up is over, epoch milliseconds. @throws StoreUnavailable */
export async function readStanding(store: LiveStore, at: number): Promise<StandingThings> {
  const queues = await store.queues(at)
  const agents = await store.agents(at)
  const announcements = await store.announcements()
  return {
    'queue.changed': new Map(queues.map((of) => [of.name, { type: 'queue.changed', of }])),
    'agent.changed': new Map(agents.map((of) => [of.id, { type: 'agent.changed', of }])),
    'announcement.changed': new Map(announcements.map((of) => [of.name, { type: 'announcement.changed', of }])),
  }
}
