import { Type } from 'typebox'
import { type Api, problems } from '../api.ts'
import type { HttpOptions } from '../options.ts'
import { requireE164 } from '../phone-number.ts'
import { invalidField, valueOf } from '../problem.ts'
import { ref } from '../schemas/common.ts'
import { Event, NewEvent } from '../schemas/messages.ts'
import { IdempotencyKey } from '../writes.ts'

const Headers = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) })

/** What other systems report: CRM, shop, payment, logistics. */
export function eventRoutes(app: Api, { records, service, now }: HttpOptions): void {
  app.post(
    '/v1/events',
    {
      config: { scope: 'events', hasOwnTransactions: true },
      schema: {
        tags: ['messages'],
        summary: "Report another system's event, which its customer is told of by SMS",
        headers: Headers,
        body: NewEvent,
        response: { 202: ref(Event), ...problems },
      },
    },
    async (request, reply) => {
      const { type, to, customerId = null, data = {} } = request.body
      if (to === undefined && customerId === null) throw invalidField('body', 'to', 'is missing, or customerId in its place')
      const number = to === undefined ? null : requireE164(to, service().country, 'body', 'to')
      const idempotencyKey = request.headers['idempotency-key'] ?? null
      const event = { keyId: request.who.keyId, type, to: number, customerId, data, idempotencyKey }
      // The request is sound as such; which events there are, and what they must bring, is for pforte.yaml to say.
      const { id, messageIds, isReplay } = valueOf(await records.postEvent(event, now()), { invalid: 'unprocessable' })
      if (isReplay) reply.header('idempotency-replayed', 'true')
      return reply.code(202).send({ id, messageIds })
    },
  )
}
