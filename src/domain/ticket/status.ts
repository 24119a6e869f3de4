/** A ticket's life: received → in progress → completed, and from there back into progress (reopened). */

export const ticketStatuses = ['received', 'in_progress', 'completed'] as const
export type TicketStatus = (typeof ticketStatuses)[number]

const next: Readonly<Record<TicketStatus, readonly TicketStatus[]>> = {
  received: ['in_progress'],
  in_progress: ['completed'],
  completed: ['in_progress'],
}

/** True if the ticket may enter `to` now. Staying is no change and so not allowed here. */
export function mayBecome(from: TicketStatus, to: TicketStatus): boolean {
  return next[from].includes(to)
}
