import { Type } from 'typebox'
import { Input, Time } from './common.ts'

const Count = Type.Integer()
const Percent = Type.Unsafe<number | null>({ type: ['number', 'null'], description: 'null where there is nothing to take it of' })
const Ms = Type.Unsafe<number | null>({ type: ['integer', 'null'] })

/** What docs/api.md gives the formulas of. */
const figures = {
  ticketsCreated: Count,
  ticketsAskedAbout: Type.Integer({ description: 'Of ticketsCreated' }),
  ticketsAskedAboutPercent: Percent,
  enquiries: Type.Integer({ description: 'calls + replies' }),
  calls: Type.Integer({ description: 'By people with an open ticket' }),
  replies: Type.Integer({ description: 'By people with an open ticket' }),
  statusWords: Type.Integer({ description: 'Of replies: STATUS and nothing else' }),
  callsEndedInformed: Type.Integer({ description: 'Of calls: ended as informed by an announcement, without an agent' }),
  statusMessages: Type.Integer({ description: 'That told a status, at least a day ago' }),
  statusMessagesWithoutCall: Type.Integer({ description: 'Of statusMessages: nobody called for 24 hours' }),
  statusMessagesWithoutCallPercent: Percent,
  messagesSent: Count,
  messagesDelivered: Type.Integer({ description: 'Of messagesSent' }),
  optOuts: Count,
  complaints: Type.Integer({ description: 'Replies within 48 hours of a message that became a ticket of their own' }),
}

const Totals = Type.Object({ from: Time, to: Time, ...figures })
const Changes = Type.Object(
  Object.fromEntries(Object.keys(figures).map((name) => [name, Percent])) as Record<keyof typeof figures, typeof Percent>,
)

export const SmsReport = Type.Object(
  {
    timeZone: Type.String({ description: 'Whose midnight days begin at' }),
    period: Totals,
    before: Totals,
    changePercent: Changes,
    days: Type.Array(
      Type.Object({ date: Type.String({ format: 'date' }), enquiries: Count, calls: Count, replies: Count, statusWords: Count }),
    ),
    templates: Type.Array(
      Type.Object({
        template: Type.String(),
        messages: Count,
        states: Type.Unsafe<Record<string, number>>({ type: 'object', additionalProperties: { type: 'integer' } }),
        sent: Count,
        optOuts: Type.Integer({ description: 'Within 48 hours of one' }),
        optOutPercent: Percent,
        complaints: Count,
      }),
    ),
    routes: Type.Array(
      Type.Object({
        route: Type.String(),
        sent: Count,
        delivered: Count,
        undeliverable: Count,
        expired: Count,
        failed: Count,
        open: Type.Integer({ description: 'No end is known yet' }),
        deliveredPercent: Percent,
        deliveryP50Ms: Ms,
        deliveryP95Ms: Ms,
      }),
    ),
  },
  { $id: 'SmsReport' },
)

export const SmsReportQuery = Input({
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  format: Type.Optional(Type.Enum(['json', 'csv'], { description: 'Where not given: what Accept asks for, else json' })),
})
