import { Type } from 'typebox'
import { Input, orNull, StringOrNull, Time, TimeOrNull } from './common.ts'

const Purged = Type.Object({
  kind: Type.String({ description: 'As in `retention` in pforte.yaml' }),
  before: Type.Unsafe<string>({ ...Time, description: 'What is older was to go' }),
  purged: Type.Integer({ description: 'How much went' }),
  tookMs: Type.Integer(),
  isWhole: Type.Boolean({ description: 'False: it was cut short, and the next run goes on' }),
})

export const RetentionRun = Type.Object(
  {
    id: Type.String(),
    startedAt: Time,
    endedAt: Type.Unsafe<string | null>({ ...TimeOrNull, description: 'Null: it is under way, or was cut short' }),
    kinds: Type.Array(Purged),
  },
  { $id: 'RetentionRun', description: 'What was taken away in one night' },
)

const Rows = (description: string) => Type.Array(Type.Record(Type.String(), Type.Unknown()), { description })

export const CustomerExport = Type.Object(
  {
    exportedAt: Time,
    customer: Type.Record(Type.String(), Type.Unknown(), { description: 'Name, numbers, language, time zone' }),
    contracts: Rows('Of the customer'),
    pins: Rows('Without their digits, which are not kept'),
    calls: Rows('From one of their numbers, or with one of their PINs'),
    tickets: Rows('With comments, changes and a link to the voicemail'),
    ticketsOfOthersFromTheirNumbers: Rows('What is theirs in these is the number'),
    commentsOnTicketsOfOthers: Rows('What they wrote that stands on tickets that are not theirs, after a merge or a reply'),
    messages: Rows('To and from them, and about their tickets'),
    consents: Rows('What they said about getting messages'),
    wrongPins: Rows('Typed on one of their phones'),
    changes: Rows('Who changed what of theirs'),
    toldToWebhooks: Rows('What other systems were told'),
  },
  { $id: 'CustomerExport', description: 'All that is held about a customer' },
)

const Purpose = Type.String({
  pattern: '^[a-z][a-z0-9_-]{0,39}$',
  description: '`all`, or what templates in pforte.yaml are for: `payment`',
})
const Word = Type.Enum(['out', 'in'], { description: '`out`: they want none; `in`: they want them (again)' })

export const NewConsent = Input({
  purpose: Type.Optional(Purpose),
  is: Word,
  evidence: Type.Optional(
    orNull(Type.String({ minLength: 1, maxLength: 500, description: 'What proves it: who heard it and when, or where it is written' })),
  ),
})

export const Consents = Type.Object(
  {
    number: Type.String(),
    purposes: Type.Array(Type.Object({ purpose: Type.String(), mayReceive: Type.Boolean() }), {
      description: 'Of `all` first: what is of no purpose named here',
    }),
    said: Type.Array(
      Type.Object({
        purpose: Type.String(),
        is: Word,
        at: Time,
        word: Type.Unsafe<string | null>({ ...StringOrNull, description: 'What they wrote' }),
        messageId: StringOrNull,
        over: Type.String({ description: 'The route and the number that they wrote to; or `api`' }),
        evidence: StringOrNull,
      }),
      { description: 'All that they said, with its proof; newest first. The last word counts' },
    ),
  },
  { $id: 'Consents', description: 'Whether somebody may be written to, and why' },
)
