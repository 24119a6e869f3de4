/** A ticket as the API shows it. */
import type { Ticket } from '../app/ports/records.ts'
import { isoTime } from './formats.ts'

export function showTicket(ticket: Ticket) {
  const { sla, legal } = ticket
  return {
    ...ticket,
    createdAt: isoTime(ticket.createdAt),
    updatedAt: isoTime(ticket.updatedAt),
    sla: sla === null ? null : { ...sla, dueAt: isoTime(sla.dueAt) },
    legal:
      legal === null
        ? null
        : {
            confirmationSentAt: isoTime(legal.confirmationSentAt),
            confirmationDeliveredAt: isoTime(legal.confirmationDeliveredAt),
            noticeDueAt: isoTime(legal.noticeDueAt),
            noticeSentAt: isoTime(legal.noticeSentAt),
            compensationFromAt: isoTime(legal.compensationFromAt),
            raisedCompensationFromAt: isoTime(legal.raisedCompensationFromAt),
          },
  }
}
