import { Type } from 'typebox'
import { deliveryStates } from '../../app/ports/webhooks.ts'
import { everyEvent, webhookEvents } from '../../domain/webhook/events.ts'
import { Input, StringOrNull, Time, TimeOrNull, orNull } from './common.ts'

const MOST_OVERLAP_HOURS = 7 * 24

export const Webhook = Type.Object(
  {
    id: Type.String(),
    url: Type.String(),
    description: Type.String(),
    events: Type.Array(Type.String(), { description: 'What it is told of; `*` stands for all' }),
    active: Type.Boolean(),
    disabledWhy: orNull(Type.String({ description: '`api`: somebody switched it off; `gone`: the receiver answered 410' })),
    oldSecretUntil: orNull(
      Type.String({ format: 'date-time', description: 'Until when the secret before the last rotation signs as well' }),
    ),
    createdAt: Time,
  },
  { $id: 'Webhook' },
)

export const WebhookWithSecret = Type.Object(
  { ...Webhook.properties, secret: Type.String({ description: 'Signs what is delivered. No other answer contains it' }) },
  { $id: 'WebhookWithSecret' },
)

export const Delivery = Type.Object(
  {
    id: Type.String({ description: 'Sent as `webhook-id`, the same at every try' }),
    webhookId: Type.String(),
    type: Type.String(),
    objectId: Type.String({ description: 'Of what it tells; those of one object are delivered in order' }),
    state: Type.Enum([...deliveryStates]),
    attempts: Type.Integer(),
    happenedAt: Time,
    nextTryAt: orNull(Type.String({ format: 'date-time', description: 'Null once it was delivered or given up' })),
    lastTryAt: TimeOrNull,
    lastStatus: orNull(Type.Integer({ description: 'What the receiver answered last' })),
    lastError: StringOrNull,
    endedAt: TimeOrNull,
    payload: Type.Object(
      { type: Type.String(), timestamp: Time, data: Type.Unsafe<object>({ type: 'object', additionalProperties: true }) },
      { description: 'The body' },
    ),
  },
  { $id: 'Delivery' },
)

const Url = Type.String({
  minLength: 1,
  maxLength: 2000,
  description: 'https, and a public address unless webhooks.allow_private is on in pforte.yaml. Without user and password',
})
const Description = Type.String({ maxLength: 200, description: 'Whose it is, for people' })
const Events = Type.Array(Type.Enum([everyEvent, ...webhookEvents]), {
  minItems: 1,
  maxItems: webhookEvents.length + 1,
  description: 'What to be told of; all where not given',
})

export const NewWebhook = Input({ url: Url, description: Type.Optional(Description), events: Type.Optional(Events) })

export const WebhookChange = Input({
  url: Type.Optional(Url),
  description: Type.Optional(Description),
  events: Type.Optional(Events),
  active: Type.Optional(Type.Boolean({ description: 'While it is off nothing is told it, and what waits goes on waiting' })),
})

export const Rotation = Input({
  overlapHours: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MOST_OVERLAP_HOURS, description: 'How long the old secret signs as well; 24 where not given' }),
  ),
})
