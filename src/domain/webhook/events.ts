/** What other systems can be told of as it happens. */

export const webhookEvents = [
  'call.started',
  'call.ended',
  'ticket.created',
  'ticket.changed',
  'ticket.due_soon',
  'ticket.overdue',
  'ticket.notice_due',
  'ticket.compensation_due',
  'message.changed',
  'reply.received',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

/** Stands for all of them, those of later versions included. */
export const everyEvent = '*'

/** Sent to one webhook because somebody asked for it, whatever it subscribes to. */
export const testEvent = 'webhook.test'
