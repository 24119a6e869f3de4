/** How the carrier wants its SMPP, as `pforte.yaml` writes it. Where it is and who we are there stands in `SMPP_URL`. */
import Type from 'typebox'
import { duration, oneOf, text, timeZone, whole } from './values.ts'

const closed = { additionalProperties: false }

const route = {
  window: Type.Optional(
    whole('How many parts may be on their way without an answer, on one bind.', { minimum: 1, maximum: 1000, default: 10 }),
  ),
  rate: Type.Optional(
    whole('Parts a second on one bind, as the carrier allows. Left out: as fast as the window lets them.', { minimum: 1, maximum: 10_000 }),
  ),
  binds: Type.Optional(whole('How many binds at once.', { minimum: 1, maximum: 50, default: 1 })),
  mode: Type.Optional(
    oneOf(['transceiver', 'pair'], 'One bind for both directions, or a transmitter and a receiver.', { default: 'transceiver' }),
  ),
  ids: Type.Optional(
    oneOf(
      ['as_sent', 'hex_to_decimal', 'decimal_to_hex', 'either'],
      'How the message ids of receipts are written, compared with those that the carrier gave: the same, or hexadecimal then and decimal now, or the other way round.',
      { default: 'as_sent' },
    ),
  ),
  concatenation: Type.Optional(
    oneOf(['udh8', 'udh16', 'sar', 'payload'], 'How the parts of a long message are held together.', { default: 'udh8' }),
  ),
  response_timeout: Type.Optional(
    duration('How long the carrier has to answer. A message without an answer is uncertain.', {
      atLeast: '1s',
      atMost: '5m',
      default: '30s',
    }),
  ),
  enquire_link: Type.Optional(
    duration('How often it is asked whether it is still there.', { atLeast: '1s', atMost: '10m', default: '30s' }),
  ),
  interface_version: Type.Optional(
    oneOf(['3.3', '3.4', '5.0'], 'The version of SMPP that we say we speak.', {
      default: '3.4',
      hint: "Write it in quotes: '3.4'.",
    }),
  ),
  system_type: Type.Optional(text('If the carrier wants one.', { maxLength: 12 })),
  service_type: Type.Optional(text('If the carrier wants one.', { maxLength: 5 })),
  alphabet: Type.Optional(oneOf(['gsm7', 'latin1'], "The carrier's default alphabet; latin1 has no euro sign.", { default: 'gsm7' })),
  validity: Type.Optional(
    oneOf(['relative', 'absolute'], 'How the end of the delivery window is told: as a span, or as a time.', { default: 'relative' }),
  ),
  receipt_time_zone: Type.Optional(timeZone('The zone of the times in receipts, which do not say it.', { default: 'UTC' })),
  ca: Type.Optional(
    text('With ssmpp://: a PEM file of certificates to trust instead of those of this machine, beside this file.', { maxLength: 500 }),
  ),
}

export const smppRoute = Type.Object(route, { ...closed, description: 'What is different at this carrier.' })

export const smpp = Type.Object(
  {
    ...route,
    routes: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$' }), smppRoute, {
        ...closed,
        keyTitle: 'a host',
        keyHint: 'Write the host as it stands in SMPP_URL: smsc.example.com.',
        description: 'What is different at one of several carriers, by the host of its URL.',
        default: {},
      }),
    ),
  },
  { ...closed, description: 'How the carrier wants its SMPP.' },
)
