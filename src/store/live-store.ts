/** The port `LiveStore`: what was changed, and how it stands now, many of a kind in one query. */
import type { LiveStore } from '../app/ports/live.ts'
import type { Agents } from './agents.ts'
import type { Announcements } from './announcements.ts'
import type { CallRecords } from './call-records.ts'
import type { Changes } from './changes.ts'
import type { ServiceRecords } from './service-records.ts'
import type { Messages } from './sms/messages.ts'
import type { Tickets } from './ticket-records.ts'

export type LiveParts = {
  agents: Agents
  announcements: Announcements
  callRecords: CallRecords
  messages: Messages
  service: ServiceRecords
  tickets: Tickets
}

export function liveStore(changes: Changes, parts: LiveParts): LiveStore {
  const { agents, announcements, callRecords, messages, service, tickets } = parts
  return {
    listen: (onTouched) => changes.listen(onTouched),
    take: () => changes.take(),
    putBack: (touched) => changes.putBack(touched),
    tickets: (ids) => tickets.some(ids),
    calls: (ids) => callRecords.some(ids),
    messages: (ids) => messages.some(ids),
    queues: (at) => service.queues(at),
    agents: (at) => agents.list(at),
    announcements: () => announcements.list(),
  }
}
