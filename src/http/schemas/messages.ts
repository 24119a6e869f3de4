import { Type } from 'typebox'
import { Input, PhoneNumber, StringOrNull, Time, Uuid } from './common.ts'

export const MessageState = Type.Enum([
  'held',
  'queued',
  'submitting',
  'uncertain',
  'submitted',
  'delivered',
  'undeliverable',
  'expired',
  'failed',
  'suppressed',
  'superseded',
  'received',
])

export const Message = Type.Object(
  {
    id: Type.String(),
    direction: Type.Enum(['out', 'in']),
    to: Type.String({ description: 'Empty where a ticket has no number that could get it' }),
    from: Type.String({ description: 'A number, a short code, or letters' }),
    text: Type.String(),
    template: StringOrNull,
    ticketId: StringOrNull,
    customerId: StringOrNull,
    state: Type.Unsafe<string>({ ...MessageState, description: 'A reply is `received`, all else is outbound' }),
    parts: Type.Array(
      Type.Object({
        messageId: Type.Unsafe<string | null>({ type: ['string', 'null'], description: "The carrier's own, once it gave one" }),
        state: Type.String(),
      }),
    ),
    trace: Type.Array(Type.Object({ at: Time, what: Type.String(), why: Type.String() }), {
      description: 'Step by step: what was decided, and why',
    }),
    createdAt: Time,
  },
  { $id: 'Message' },
)

const MOST_DATA = 50

export const NewEvent = Input({
  type: Type.String({ minLength: 1, maxLength: 100, description: 'A name under sms.templates in pforte.yaml, such as payment.received' }),
  to: Type.Optional(PhoneNumber),
  customerId: Type.Optional(Uuid('a customer; the first mobile number gets the message')),
  data: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 1000 },
      maxProperties: MOST_DATA,
      description: 'What the template speaks of, by name; longer values are cut to what it has room for',
    }),
  ),
})

export const Event = Type.Object(
  {
    id: Type.String(),
    messageIds: Type.Array(Type.String(), { description: 'Empty where the event is told to nobody' }),
  },
  { $id: 'Event' },
)
