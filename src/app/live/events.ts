/** What is told to those who watch: each event is a thing as it stands after a change. */
import type { AgentRecord, CallRecord, MessageRecord, QueueRecord, Ticket } from '../ports/records.ts'
import type { Announcement } from '../ports/store.ts'

/** A ticket's event also tells that something was said about it. */
export type LiveChange =
  | { type: 'ticket.changed'; of: Ticket }
  | { type: 'call.changed'; of: CallRecord }
  | { type: 'message.changed'; of: MessageRecord }
  | { type: 'queue.changed'; of: QueueRecord }
  | { type: 'agent.changed'; of: AgentRecord }
  | { type: 'announcement.changed'; of: Announcement }

export type LiveType = LiveChange['type']

export const LIVE_TYPES = [
  'ticket.changed',
  'call.changed',
  'message.changed',
  'queue.changed',
  'agent.changed',
  'announcement.changed',
] as const satisfies readonly LiveType[]

/** Of these there are few: they are read as a whole, and whoever comes is told all of them. */
export const STANDING_TYPES = ['queue.changed', 'agent.changed', 'announcement.changed'] as const satisfies readonly LiveType[]
export type StandingType = (typeof STANDING_TYPES)[number]

/** A thing as it stands: `key` is its id or its name, `json` what the API shows of it. */
export type Standing = { readonly type: LiveType; readonly key: string; readonly json: string }
/** Made once, however many are told of it. One resumes after its `id`; `at` is epoch milliseconds. */
export type LiveEvent = Standing & { readonly id: string; readonly n: number; readonly at: number }

export function keyOf({ of }: LiveChange): string {
  return 'id' in of ? of.id : of.name
}
