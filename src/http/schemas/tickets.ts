import { Type } from 'typebox'
import { Input, orNull, PhoneNumber, StringOrNull, Time, TimeOrNull, Uuid } from './common.ts'

export const TicketStatus = Type.Enum(['received', 'in_progress', 'completed'])

const Sla = Type.Object(
  {
    minutes: Type.Integer({
      description: "Promised by the contract when the ticket was made, counted while the contract's hours are open",
    }),
    state: Type.Enum(['running', 'paused', 'met', 'overdue', 'missed']),
    dueAt: { ...TimeOrNull, description: 'Null while it is paused; of a completed ticket, when it would have been due' },
    remainingMs: Type.Integer({ description: 'Below zero: how much it is over' }),
    pausedReason: StringOrNull,
  },
  { $id: 'TicketSla', description: 'What is left of the promised time' },
)

const Legal = Type.Object(
  {
    confirmationSentAt: { ...TimeOrNull, description: 'When the SMS left that told of the report' },
    confirmationDeliveredAt: { ...TimeOrNull, description: 'As its receipt says' },
    noticeDueAt: { ...Time, description: 'The end of the day after the report: by then the customer has to be told what is being done' },
    noticeSentAt: TimeOrNull,
    compensationFromAt: { ...Time, description: 'The third day after the report begins' },
    raisedCompensationFromAt: { ...Time, description: 'The fifth day after the report begins' },
  },
  { $id: 'TicketLegal', description: "TKG § 58, in calendar days of the service's time zone" },
)

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
    contractId: StringOrNull,
    fault: Type.Boolean({ description: 'It reports a fault, to which TKG § 58 applies' }),
    mergedInto: { ...StringOrNull, description: 'Id of the ticket that goes on in its place' },
    sla: Type.Union([Sla, Type.Null()]),
    legal: Type.Union([Legal, Type.Null()]),
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
  contractId: Type.Optional({
    ...Uuid('a contract'),
    description: "Whose promise counts. Not given: that of the customer's valid contracts which promises the shortest time",
  }),
  fault: Type.Optional(Type.Boolean({ description: 'As `tickets.fault_by_default` in `pforte.yaml` says where not given' })),
})

export const TicketChange = Input({
  status: Type.Optional(TicketStatus),
  subject: Type.Optional(Subject),
  customerId: Type.Optional({
    ...orNull(Uuid('a customer')),
    description: 'Whose it is; null: nobody’s. The contract becomes the one that a new ticket of theirs would get, unless it is given too',
  }),
  contractId: Type.Optional(orNull(Uuid('a contract'))),
  fault: Type.Optional(Type.Boolean()),
  slaPaused: Type.Optional(Type.Boolean({ description: 'While it is paused, nothing of the promised time passes' })),
  pausedReason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, pattern: VISIBLE, description: 'What the ticket waits for' })),
  noticeSentAt: Type.Optional({
    ...TimeOrNull,
    description: 'When the customer was told by other means than SMS what is being done (TKG § 58); null takes it back',
  }),
  version: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'Refused with 409 if the ticket has another by now' }),
  ),
})

export const Merge = Input({ into: Uuid('the ticket that goes on') })

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
