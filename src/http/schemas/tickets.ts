import { Type } from 'typebox'
import { StringOrNull, Time } from './common.ts'

export const TicketStatus = Type.Enum(['received', 'in_progress', 'completed'])

export const Ticket = Type.Object(
  {
    id: Type.String(),
    number: Type.String({ description: 'Made to be read out on the phone' }),
    customerId: StringOrNull,
    caller: StringOrNull,
    subject: Type.String(),
    status: TicketStatus,
    source: Type.Enum(['voicemail', 'call', 'api', 'sms']),
    version: Type.Integer(),
    createdAt: Time,
    updatedAt: Time,
    voicemail: Type.Union([Type.Object({ durationMs: Type.Integer() }), Type.Null()]),
  },
  { $id: 'Ticket' },
)
