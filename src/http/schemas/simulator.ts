import { Type } from 'typebox'
import type { Simulator } from '../options.ts'
import { Input, PhoneNumber, Time } from './common.ts'

const MOST_TEXT = 2000

export const NewReply = Input({
  from: PhoneNumber,
  to: Type.Optional(
    Type.String({
      pattern: '^(\\+?[0-9]{3,15}|[A-Za-z0-9 ._-]{1,11})$',
      description: 'A number, a short code or a name; where not given: whoever wrote to this phone last',
    }),
  ),
  text: Type.String({ maxLength: MOST_TEXT }),
  coding: Type.Optional(Type.Enum(['gsm7', 'ascii', 'latin1', 'ucs2'], { description: 'What a phone would choose, where not given' })),
  longForm: Type.Optional(
    Type.Enum(['udh8', 'udh16', 'sar', 'payload'], { description: 'How the parts of a long text say that they belong together' }),
  ),
})

export const Reply = Type.Object(
  {
    from: Type.String(),
    to: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    parts: Type.Array(
      Type.Object({
        acknowledged: Type.Boolean(),
        status: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'What Pforte answered last' }),
        tries: Type.Integer(),
      }),
      { description: 'Empty while the reply waits for a bind that takes it' },
    ),
  },
  { $id: 'SimulatedReply' },
)

const DAY_MS = 86_400_000
const MOST_TIMES = 1_000_000

/** Flat, so that whoever misspells a field is told of that one field; `simulated-fault.ts` has which go with which kind. */
export const NewFault = ({ receiptStates, statuses }: Simulator['words']) =>
  Input({
    kind: Type.Enum([
      'reject',
      'throttle',
      'queue_full',
      'drop',
      'lose_response',
      'delay',
      'receipts',
      'malform',
      'disconnect',
      'mute',
      'unbind',
      'refuse_bind',
    ]),
    to: Type.Optional(PhoneNumber),
    next: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MOST_TIMES, description: 'So many; where not given: until faults are cleared' }),
    ),
    status: Type.Optional(
      Type.Union([Type.String({ maxLength: 40 }), Type.Integer({ minimum: 1, maximum: 0xffff_ffff })], {
        description: `For reject and refuse_bind: ${statuses.slice(1, 4).join(', ')} …, or a carrier's own number`,
      }),
    ),
    perSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: MOST_TIMES, description: 'throttle: only what exceeds it' })),
    what: Type.Optional(Type.String({ maxLength: 20, description: 'delay: response, receipt; mute: reads, answers' })),
    ms: Type.Optional(Type.Integer({ minimum: 0, maximum: DAY_MS, description: 'delay' })),
    states: Type.Optional(
      Type.Array(Type.Enum([...receiptStates]), {
        maxItems: 20,
        description: 'receipts: one after another, in place of DELIVERED; empty: none',
      }),
    ),
    error: Type.Optional(Type.String({ pattern: '^[0-9A-Za-z]{1,20}$', description: 'receipts' })),
    early: Type.Optional(Type.Boolean({ description: 'receipts: before the submit_sm_resp' })),
    times: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'receipts: each so often' })),
    how: Type.Optional(Type.String({ maxLength: 40, description: 'disconnect: fin, rst; malform: what the PDU is like' })),
    when: Type.Optional(
      Type.Union([Type.String({ maxLength: 20 }), Input({ afterOctets: Type.Integer({ minimum: 0, maximum: 65_535 }) })], {
        description: 'disconnect: now, request, or {"afterOctets": n} of the response; malform: now, response',
      }),
    ),
  })

export const Fault = Type.Unsafe<{ kind: string }>({
  $id: 'SimulatedFault',
  type: 'object',
  required: ['kind'],
  properties: { kind: { type: 'string' } },
  additionalProperties: true,
})

const Values = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true })

export const Pdu = Type.Object(
  {
    at: Time,
    direction: Type.Enum(['in', 'out'], { description: 'in: from Pforte' }),
    bind: Type.String(),
    sequence: Type.Integer(),
    status: Type.String(),
    command: Type.Unsafe<string | null>({ type: ['string', 'null'], description: "SMPP's name; null for what is no PDU" }),
    bad: Type.Optional(Type.String({ description: 'Why it is none' })),
    fields: Type.Optional(Values),
    tlvs: Type.Optional(Values),
    text: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'As a phone would show it' })),
  },
  { $id: 'SimulatedPdu' },
)

export const MOST_PDUS = 2_000

export const PduQuery = Input({
  command: Type.Optional(Type.String({ minLength: 1, maxLength: 40, description: 'submit_sm, deliver_sm …' })),
  direction: Type.Optional(Type.Enum(['in', 'out'])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_PDUS, description: 'How many; all that are kept where not given' })),
})
