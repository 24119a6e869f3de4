/** Telling other systems what happens: who wants to know, what each is to be told, and how it is sent. */
import type { Page, PageRequest, Result } from './records.ts'

export type Webhook = {
  id: string
  url: string
  description: string
  /** Names of domain/webhook/events.ts, or `*` alone. */
  events: string[]
  active: boolean
  /** `api`: somebody switched it off; `gone`: the receiver answered 410. Null while it is active. */
  disabledWhy: 'api' | 'gone' | null
  /** Until when deliveries are signed with the secret before as well; null: with one only. */
  oldSecretUntil: number | null
  createdAt: number
}
export type NewWebhook = { url: string; description: string; events: string[] }
export type WebhookChange = { url?: string; description?: string; events?: string[]; active?: boolean }
/** The only answers that hold the secret. */
export type WebhookWithSecret = Webhook & { secret: string }

export const deliveryStates = ['pending', 'delivered', 'dead'] as const
export type DeliveryState = (typeof deliveryStates)[number]
export type DeliveryRecord = {
  /** Sent as `webhook-id`, the same at every try. */
  id: string
  webhookId: string
  type: string
  objectId: string
  state: DeliveryState
  attempts: number
  happenedAt: number
  /** Null once it has ended. */
  nextTryAt: number | null
  lastTryAt: number | null
  /** What the receiver answered last; null: nothing. */
  lastStatus: number | null
  lastError: string | null
  endedAt: number | null
  payload: Payload
}

/** What is sent, as JSON. */
export type Payload = { type: string; timestamp: string; data: object }

/** What the API asks. Every method rejects with `StoreUnavailable` while Postgres is away. */
export interface Webhooks {
  /** Refused with `conflict` where there are as many as may be. */
  create(webhook: NewWebhook, at: number): Promise<Result<WebhookWithSecret>>
  list(page: PageRequest, at: number): Promise<Page<Webhook>>
  get(id: string, at: number): Promise<Webhook | null>
  change(id: string, change: WebhookChange, at: number): Promise<Result<Webhook>>
  /** With all that was to be delivered. */
  remove(id: string, at: number): Promise<Result<null>>
  /** A new secret; the one before signs as well for `overlapMs`. */
  rotate(id: string, overlapMs: number, at: number): Promise<Result<WebhookWithSecret>>
  /** A test event, whatever the webhook subscribes to; refused for one that is switched off. */
  test(id: string, at: number): Promise<Result<DeliveryRecord>>
  deliveries(id: string, filter: { state?: DeliveryState }, page: PageRequest): Promise<Page<DeliveryRecord> | null>
  /** Tries it again from the start, whatever became of it. */
  resend(id: string, deliveryId: string, at: number): Promise<Result<DeliveryRecord>>
}

/** Where deliveries go, as it stands now. */
export type Target = { url: string; secrets: readonly string[]; failures: number; restsUntil: number | null }
export type Delivery = { id: string; seq: number; object: string; objectId: string; payload: Payload; attempts: number; since: number }

/** What came of a try. `error` is in our words: what the receiver says is kept nowhere. */
export type Outcome =
  | { is: 'delivered'; status: number }
  | { is: 'failed'; status: number | null; error: string; nextAt: number | null }
  | { is: 'gone' }

/**
 * What is to be delivered. Deliveries of one object are in order: a later one
 * is not due before the earlier ones have ended. One at a time asks for a webhook.
 */
export interface DeliveryOutbox {
  /** Null: there is no such webhook, or it is switched off. */
  target(webhookId: string, at: number): Promise<Target | null>
  /** The first ones of as many objects, without those of `busy` (see `laneOf`). */
  due(webhookId: string, at: number, most: number, busy: readonly string[]): Promise<Delivery[]>
  /** When the next one is due, also if that was long ago; null: none waits. */
  nextAt(webhookId: string): Promise<number | null>
  record(webhookId: string, delivery: Delivery, outcome: Outcome, at: number): Promise<void>
  /** Failures in a row, and until when to leave it alone. */
  keepHealth(webhookId: string, failures: number, restsUntil: number | null): Promise<void>
  /** Webhooks for which something is pending, each with when its next one is due. */
  waiting(): Promise<{ webhookId: string; nextAt: number }[]>
  /** Ends what has waited since before then behind a receiver that rests. Returns how many. */
  giveUp(since: number, at: number): Promise<number>
  /** Deletes what was to be delivered to webhooks that somebody took away. */
  sweepRemoved(at: number): Promise<void>
}

export const laneOf = ({ object, objectId }: Pick<Delivery, 'object' | 'objectId'>): string => `${object} ${objectId}`

export type Sent =
  /** Any answer. */
  { is: 'answered'; status: number; retryAfterMs: number | null } | { is: 'failed'; error: string }

export interface WebhookSender {
  /** Why this address may not be used, for whoever wrote it; null: it may, as far as can be told without asking for it. */
  refusalOf(url: string): string | null
  /** One signed POST, within ten seconds. Rejects with nothing but bugs. */
  send(request: { url: string; id: string; at: number; body: string; secrets: readonly string[] }, signal: AbortSignal): Promise<Sent>
}
