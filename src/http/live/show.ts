/** Each thing as its own route shows it. */
import type { LiveChange } from '../../app/live/events.ts'
import { showAgent } from '../routes/agents.ts'
import { showAnnouncement } from '../routes/announcements.ts'
import { showCall } from '../routes/calls.ts'
import { showMessage } from '../routes/messages.ts'
import { showQueue } from '../routes/service.ts'
import { showTicket } from '../../app/tickets/ticket-json.ts'

/** JSON in one line. */
export function writeChange(change: LiveChange): string {
  return JSON.stringify(show(change))
}

function show(change: LiveChange): unknown {
  switch (change.type) {
    case 'ticket.changed':
      return showTicket(change.of)
    case 'call.changed':
      return showCall(change.of)
    case 'message.changed':
      return showMessage(change.of)
    case 'queue.changed':
      return showQueue(change.of)
    case 'agent.changed':
      return showAgent(change.of)
    case 'announcement.changed':
      return showAnnouncement(change.of)
  }
}
