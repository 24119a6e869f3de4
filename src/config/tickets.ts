/** The clocks of tickets: what the file says, and whether there are words for what is to be told. */
import type { SmsDefinition } from '../domain/sms/definition.ts'
import { filled } from './schema/filled.ts'
import type { ServiceFile } from './schema/service.ts'
import * as schema from './schema/tickets.ts'
import type { Service } from './service.ts'
import type { Mistake } from './validate.ts'

export const datesToTell = ['ticket.notice', 'ticket.compensation'] as const

export function ticketsOf(
  written: ServiceFile['tickets'],
  sms: SmsDefinition | null,
): { tickets: Service['tickets']; mistakes: Mistake[] } {
  const { due_soon_percent, fault_by_default } = filled(schema.tickets, written)
  const { on, sms: bySms } = filled(schema.tkg58, written?.tkg58)
  const missing = bySms ? datesToTell.filter((event) => sms?.templates[event] === undefined) : []
  const mistakes = missing.map((event) => ({
    path: ['tickets', 'tkg58', 'sms'],
    message: `there is no message ${event}`,
    hint: `Write its text below templates of sms, or switch this off.`,
  }))
  return {
    tickets: { dueSoonPercent: due_soon_percent, faultByDefault: fault_by_default, tkg58: { on, sms: bySms && missing.length === 0 } },
    mistakes: mistakes.slice(0, 1),
  }
}
