import { Type } from 'typebox'
import { Input, PhoneNumber, StringOrNull, Time, Uuid } from './common.ts'

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

const VISIBLE = '[^\\s\\u0000-\\u001f\\u007f]'
const Subject = Type.String({ minLength: 1, maxLength: 500, pattern: VISIBLE })

export const NewTicket = Input({
  subject: Subject,
  caller: Type.Optional(PhoneNumber),
  customerId: Type.Optional(Uuid('a customer')),
  status: Type.Optional(TicketStatus),
})

export const TicketChange = Input({
  status: Type.Optional(TicketStatus),
  subject: Type.Optional(Subject),
  version: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'Refused with 409 if the ticket has another by now' }),
  ),
})

export const NewComment = Input({
  text: Type.String({ minLength: 1, maxLength: 10_000, pattern: VISIBLE }),
  author: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: VISIBLE, description: '`api` where not given' })),
})

export const Comment = Type.Object(
  {
    id: Type.String(),
    ticketId: Type.String(),
    author: Type.String({ description: "For a customer's reply: their number" }),
    text: Type.String(),
    createdAt: Time,
  },
  { $id: 'Comment' },
)
