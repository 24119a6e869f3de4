/** A ticket as others see it, over the API and in webhooks: times in ISO 8601. */
import type { Ticket } from '../ports/records.ts'

export function showTicket(ticket: Ticket) {
  const { sla, legal } = ticket
  return {
    ...ticket,
    createdAt: iso(ticket.createdAt),
    updatedAt: iso(ticket.updatedAt),
    sla: sla === null ? null : { ...sla, dueAt: isoOrNull(sla.dueAt) },
    legal:
      legal === null
        ? null
        : {
            confirmationSentAt: isoOrNull(legal.confirmationSentAt),
            confirmationDeliveredAt: isoOrNull(legal.confirmationDeliveredAt),
            noticeDueAt: iso(legal.noticeDueAt),
            noticeSentAt: isoOrNull(legal.noticeSentAt),
            compensationFromAt: iso(legal.compensationFromAt),
            raisedCompensationFromAt: iso(legal.raisedCompensationFromAt),
          },
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at)
}
