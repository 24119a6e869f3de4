/** Status SMS, as `pforte.yaml` writes them: who sends what to whom, and when. */
import Type from 'typebox'
import type { Static } from 'typebox'
import { defaultKeywords } from '../../domain/sms/keywords.ts'
import {
  byLanguage,
  country,
  countryHint,
  countryPattern,
  duration,
  holidayRegion,
  languagePattern,
  name,
  oneOf,
  text,
  timeZone,
  whole,
  yesOrNo,
} from './values.ts'

const closed = { additionalProperties: false }

const sender = (description: string) =>
  Type.String({
    title: 'a sender',
    pattern: '^(\\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ._&+-]{1,11})$',
    patternErrorMessage: "Write a number in quotes, '+49621555100' or '38600', or a name of up to 11 letters and digits (without umlauts).",
    description,
  })

const window = (description: string) =>
  Type.String({
    title: 'a delivery window',
    pattern: '^(always|[0-9]{1,2}:[0-9]{2} *- *[0-9]{1,2}:[0-9]{2})$',
    patternErrorMessage: 'Write it in quotes: "08:00-20:00", or always.',
    description,
  })

const cap = (description: string, atLeast: number) =>
  Type.Object(
    {
      most: whole('How many messages.', { minimum: atLeast, maximum: 1_000_000 }),
      in: duration('In any span of this length.', { atLeast: '1m', atMost: '31d' }),
    },
    { ...closed, title: 'a cap', patternErrorMessage: 'Write it as { most: 5, in: 1d }.', description },
  )
const caps = (description: string, byDefault: { most: number; in: string }[]) =>
  Type.Array(cap('So many messages in any span of that length.', 1), {
    title: 'a list of caps',
    maxItems: 5,
    description,
    default: byDefault,
  })

export const strangers = Type.Object(
  {
    per_number: Type.Optional({ ...cap('To one number.', 0), default: { most: 5, in: '1d' } } as ReturnType<typeof cap>),
    per_line: Type.Optional({ ...cap('To all who called on one line.', 0), default: { most: 100, in: '1h' } } as ReturnType<typeof cap>),
    in_total: Type.Optional({ ...cap('To all of them.', 0), default: { most: 500, in: '1d' } } as ReturnType<typeof cap>),
  },
  {
    ...closed,
    description:
      'For numbers of no customer. A caller ID is easily forged, and a forged voicemail must not make Pforte text strangers: what is over is not sent, and raises an alarm.',
  },
)

export const smsCaps = Type.Object(
  {
    per_recipient: Type.Optional(
      caps('To one number. What is over waits until there is room, and then tells only the newest status.', [
        { most: 20, in: '1d' },
        { most: 60, in: '7d' },
      ]),
    ),
    answers: Type.Optional(
      caps('Answers to one number (to a voicemail, STATUS, STOP); they count apart. Two machines that answer each other stop here.', [
        { most: 20, in: '1d' },
      ]),
    ),
    strangers: Type.Optional(strangers),
  },
  { ...closed, description: 'How many messages at most.' },
)

const wordList = (description: string, byDefault?: string[]) =>
  Type.Array(text('A reply that says nothing else.', { maxLength: 40 }), {
    title: 'a list of words',
    maxItems: 50,
    description,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  })
const wordsByPurpose = (description: string, byDefault: Record<string, string[]>) =>
  Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_-]{0,39}$' }), wordList('Replies that mean this purpose.'), {
    ...closed,
    keyTitle: 'a purpose',
    keyHint: 'Write all, or the purpose of a template: payment.',
    description,
    default: byDefault,
  })

export const smsWords = Type.Object(
  {
    opt_out: Type.Optional(
      wordsByPurpose('Replies that end messages, by purpose; `all` is all of them.', { all: [...defaultKeywords.opt_out] }),
    ),
    opt_in: Type.Optional(wordsByPurpose('Replies that begin them again.', { all: [...defaultKeywords.opt_in] })),
    status: Type.Optional(wordList('Replies that ask how it stands.', [...defaultKeywords.status])),
  },
  { ...closed, description: 'Replies that are understood. Upper and lower case are the same; a reply that says more is read by a person.' },
)

const statusWord = byLanguage(text('The word for it.', { maxLength: 40 }), 'By language.')
export const statusWords = Type.Object(
  {
    received: Type.Optional({ ...statusWord, default: { de: 'eingegangen', en: 'received' } } as typeof statusWord),
    in_progress: Type.Optional({ ...statusWord, default: { de: 'in Arbeit', en: 'in progress' } } as typeof statusWord),
    completed: Type.Optional({ ...statusWord, default: { de: 'erledigt', en: 'completed' } } as typeof statusWord),
  },
  { ...closed, description: 'What {ticket.status} says.' },
)

/** Beside these a template has its text in each language, under the language. */
const templateSettings = Type.Object(
  {
    purpose: Type.Optional(name('What people opt out of; by default what its event begins with, and `status` for tickets.')),
    window: Type.Optional(window('Other times than the usual ones for this message.')),
    sender: Type.Optional(sender('Another sender than the usual one.')),
    on_uncertain: Type.Optional(oneOf(['leave', 'resend'], 'Another policy than the usual one.')),
    good_for: Type.Optional(duration('How long after its event the message is still of use.', { atLeast: '5m', atMost: '31d' })),
    data: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,39}$' }),
        whole('The most characters of it.', { minimum: 1, maximum: 160 }),
        {
          ...closed,
          keyTitle: 'a name for data',
          keyHint: 'Use letters, digits and _, beginning with a letter.',
          patternErrorMessage: 'Write each name and how long it may be: { amount: 14 }.',
          description: 'What the event of another system brings, and how long each may be: { amount: 14 } is {data.amount} in the text.',
        },
      ),
    ),
  },
  closed,
)
export const template = Type.Unsafe<Static<typeof templateSettings> & { [language: string]: unknown }>({
  ...templateSettings,
  patternProperties: { [languagePattern]: text('The message in this language.', { maxLength: 2000 }) },
  keyTitle: 'a language or a setting of a message',
  keyHint: 'Texts stand under their language (de, en); settings are purpose, window, sender, on_uncertain, good_for and data.',
  title: 'a message',
  patternErrorMessage: 'Write its texts below it, each under its language.',
  description: 'One message: its text in each language of the lines, and what is different about it.',
})

export const sms = Type.Object(
  {
    sender: sender('Who the message is from. To a name nobody can reply; a number must be yours at the carrier.'),
    senders: Type.Optional(
      Type.Record(Type.String({ pattern: countryPattern }), sender('The sender for this country.'), {
        ...closed,
        keyTitle: 'a country',
        keyHint: countryHint,
        description: 'Other senders by country of the recipient, where the usual one is not let through.',
        default: {},
      }),
    ),
    window: Type.Optional({ ...window("When messages may arrive, on the recipient's clock."), default: '08:00-20:00' } as ReturnType<
      typeof window
    >),
    sundays: Type.Optional(yesOrNo('Whether messages go out on Sundays.', true)),
    holidays: Type.Optional(holidayRegion('On the public holidays of this region none go out.')),
    time_zone: Type.Optional(timeZone('Of recipients who are no customers with a time zone of their own. By default that of this file.')),
    spread: Type.Optional(
      duration('What waited for the window leaves within so long after it opens.', { atLeast: '0s', atMost: '2h', default: '10m' }),
    ),
    good_for: Type.Optional(
      duration('How long after its event a message is still of use; what could not leave by then is not sent at all.', {
        atLeast: '5m',
        atMost: '31d',
        default: '4d',
      }),
    ),
    most_parts: Type.Optional(
      whole('Of how many parts a message may be. One has room for 160 characters, or 70 with characters beyond GSM-7.', {
        minimum: 1,
        maximum: 20,
        default: 4,
      }),
    ),
    countries: Type.Optional(
      Type.Array(country('A country whose numbers get messages.'), {
        minItems: 1,
        maxItems: 250,
        uniqueItems: true,
        description: 'Numbers of other countries get no messages. By default the country of this file.',
      }),
    ),
    landlines: Type.Optional(yesOrNo('Whether landlines are tried; some carriers read messages out there.', false)),
    caps: Type.Optional(smsCaps),
    on_uncertain: Type.Optional(
      oneOf(
        ['leave', 'resend'],
        'When the carrier does not say whether it took a message: leave it, or send it once more after `resend_after`.',
        {
          default: 'leave',
        },
      ),
    ),
    resend_after: Type.Optional(
      duration('How long to wait for a late answer before that.', { atLeast: '1m', atMost: '1d', default: '10m' }),
    ),
    words: Type.Optional(smsWords),
    status_words: Type.Optional(statusWords),
    templates: Type.Record(Type.String({ pattern: '^(?=.{3,60}$)[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$' }), template, {
      ...closed,
      keyTitle: 'the name of an event',
      keyHint: 'Write it in two words with a dot between: payment.received.',
      description: 'The messages, by event. An event without one sends none.',
    }),
  },
  { ...closed, description: 'Status SMS.' },
)
