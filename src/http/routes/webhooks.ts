import { Type } from 'typebox'
import { type Api, given, NoContent, pageOf, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { invalidField, notFound, valueOf } from '../problem.ts'
import { IdParam, Input, List, PageQuery, ref, Uuid } from '../schemas/common.ts'
import { Delivery, NewWebhook, Rotation, Webhook, WebhookChange, WebhookWithSecret } from '../schemas/webhooks.ts'
import { deliveryStates, type DeliveryRecord, type Webhook as WebhookRecord } from '../../app/ports/webhooks.ts'
import { everyEvent } from '../../domain/webhook/events.ts'

const HOUR_MS = 60 * 60_000
const DEFAULT_OVERLAP_HOURS = 24

const DeliveryQuery = Input({ state: Type.Optional(Type.Enum([...deliveryStates])), ...PageQuery })
const DeliveryParams = Type.Object({ id: Uuid('a webhook'), deliveryId: Uuid('a delivery') })

/** Where other systems are told what happens, and what became of telling them. */
export function webhookRoutes(app: Api, { webhooks, webhookRefusal, now }: HttpOptions): void {
  const tags = ['webhooks']
  const config = { scope: 'admin' } as const

  app.post(
    '/v1/webhooks',
    {
      config,
      schema: {
        tags,
        summary: 'Have a system told what happens',
        description: 'Signed after the Standard Webhooks specification. The answer holds the secret, as no other does.',
        body: NewWebhook,
        response: { 201: ref(WebhookWithSecret), ...problems },
      },
    },
    async (request, reply) => {
      const { url, description = '', events = [everyEvent] } = request.body
      const webhook = valueOf(await webhooks.create({ url: admitted(url), description: description.trim(), events: asSet(events) }, now()))
      return reply
        .code(201)
        .header('location', `/v1/webhooks/${webhook.id}`)
        .send({ ...showWebhook(webhook), secret: webhook.secret })
    },
  )

  app.get(
    '/v1/webhooks',
    {
      config,
      schema: {
        tags,
        summary: 'Webhooks, newest first',
        querystring: Input(PageQuery),
        response: { 200: List(ref(Webhook)), ...problems },
      },
    },
    async (request) => {
      const page = await webhooks.list(pageOf(request.query), now())
      return { items: page.items.map(showWebhook), next: page.next }
    },
  )

  app.get(
    '/v1/webhooks/:id',
    { config, schema: { tags, summary: 'A webhook', params: IdParam('a webhook'), response: { 200: ref(Webhook), ...problems } } },
    async (request) => {
      const webhook = await webhooks.get(request.params.id, now())
      if (webhook === null) throw notFound('webhook')
      return showWebhook(webhook)
    },
  )

  app.patch(
    '/v1/webhooks/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Change a webhook, or switch it on or off',
        params: IdParam('a webhook'),
        body: WebhookChange,
        response: { 200: ref(Webhook), ...problems },
      },
    },
    async (request) => {
      const { url, description, events, active } = request.body
      const change = given({
        url: url === undefined ? undefined : admitted(url),
        description: description?.trim(),
        events: events === undefined ? undefined : asSet(events),
        active,
      })
      return showWebhook(valueOf(await webhooks.change(request.params.id, change, now())))
    },
  )

  app.delete(
    '/v1/webhooks/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Take a webhook away, with all that it was to be told',
        params: IdParam('a webhook'),
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      valueOf(await webhooks.remove(request.params.id, now()))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/v1/webhooks/:id/rotate',
    {
      config,
      schema: {
        tags,
        summary: "Draw a new secret in place of a webhook's",
        description: 'For a while deliveries are signed with both, so that the receiver can change over in its own time.',
        params: IdParam('a webhook'),
        body: Rotation,
        response: { 200: ref(WebhookWithSecret), ...problems },
      },
    },
    async (request) => {
      const { overlapHours = DEFAULT_OVERLAP_HOURS } = request.body
      const webhook = valueOf(await webhooks.rotate(request.params.id, overlapHours * HOUR_MS, now()))
      return { ...showWebhook(webhook), secret: webhook.secret }
    },
  )

  app.post(
    '/v1/webhooks/:id/test',
    {
      config,
      schema: {
        tags,
        summary: 'Send a test event',
        description: '`webhook.test`, whatever the webhook subscribes to. What becomes of it is seen under its deliveries.',
        params: IdParam('a webhook'),
        response: { 202: ref(Delivery), ...problems },
      },
    },
    async (request, reply) => reply.code(202).send(showDelivery(valueOf(await webhooks.test(request.params.id, now())))),
  )

  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      config,
      schema: {
        tags,
        summary: 'What a webhook was told or is to be told, newest first',
        params: IdParam('a webhook'),
        querystring: DeliveryQuery,
        response: { 200: List(ref(Delivery)), ...problems },
      },
    },
    async (request) => {
      const { state } = request.query
      const page = await webhooks.deliveries(request.params.id, given({ state }), pageOf(request.query))
      if (page === null) throw notFound('webhook')
      return { items: page.items.map(showDelivery), next: page.next }
    },
  )

  app.post(
    '/v1/webhooks/:id/deliveries/:deliveryId/resend',
    {
      config,
      schema: {
        tags,
        summary: 'Send a delivery again',
        description: 'From the start, whatever became of it, and under the same `webhook-id`.',
        params: DeliveryParams,
        response: { 202: ref(Delivery), ...problems },
      },
    },
    async (request, reply) => {
      const { id, deliveryId } = request.params
      return reply.code(202).send(showDelivery(valueOf(await webhooks.resend(id, deliveryId, now()))))
    },
  )

  function admitted(url: string): string {
    const refusal = webhookRefusal(url)
    if (refusal !== null) throw invalidField('body', 'url', refusal)
    return url
  }
}

/** Each once; with `*` nothing else counts. */
function asSet(events: readonly string[]): string[] {
  return events.includes(everyEvent) ? [everyEvent] : [...new Set(events)]
}

function showWebhook({ id, url, description, events, active, disabledWhy, oldSecretUntil, createdAt }: WebhookRecord) {
  return { id, url, description, events, active, disabledWhy, oldSecretUntil: isoTime(oldSecretUntil), createdAt: isoTime(createdAt) }
}

function showDelivery(delivery: DeliveryRecord) {
  return {
    ...delivery,
    happenedAt: isoTime(delivery.happenedAt),
    nextTryAt: isoTime(delivery.nextTryAt),
    lastTryAt: isoTime(delivery.lastTryAt),
    endedAt: isoTime(delivery.endedAt),
  }
}
