/** What is kept about people: all of it for whoever asks for theirs, erased where they want it, and gone in time. */
import { Readable } from 'node:stream'
import { type Api, NoContent, pageOf, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { notFound, valueOf } from '../problem.ts'
import { IdParam, Input, List, PageQuery, ref } from '../schemas/common.ts'
import { CustomerExport, RetentionRun } from '../schemas/privacy.ts'
import type * as Retention from '../../app/ports/retention.ts'

export function privacyRoutes(app: Api, { records, now }: HttpOptions): void {
  const tags = ['privacy']

  app.delete(
    '/v1/customers/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Erase a customer',
        description:
          'Name, numbers, contracts, PINs, recordings and all texts go; what is counted stays, under pseudonyms that lead to nobody. ' +
          'What waits to be sent is not sent, calls under way go on. There is no way back.',
        params: IdParam('a customer'),
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      valueOf(await records.eraseCustomer(request.params.id, now()))
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/v1/customers/:id/export',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'All that is held about a customer',
        description: 'One JSON document, for whoever asks what is kept about them (GDPR Art. 15, 20). Voicemails are links.',
        params: IdParam('a customer'),
        response: {
          200: { description: 'The document', content: { 'application/json': { schema: ref(CustomerExport) } } },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const pieces = await records.exportCustomer(id, now())
      if (pieces === null) throw notFound('customer')
      request.log.info({ customer: id, key: request.who?.keyId }, 'all that is held about a customer is read')
      reply.type('application/json; charset=utf-8').header('content-disposition', `attachment; filename="customer-${id}.json"`)
      return reply.send(Readable.from(pieces) as never)
    },
  )

  app.get(
    '/v1/retention',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'What was taken away, night by night',
        description: 'How long what is kept stands under `retention` in pforte.yaml. Newest first.',
        querystring: Input(PageQuery),
        response: { 200: List(ref(RetentionRun)), ...problems },
      },
    },
    async (request) => {
      const { items, next } = await records.retentionRuns(pageOf(request.query))
      return { items: items.map(showRun), next }
    },
  )
}

function showRun({ kinds, ...run }: Retention.RetentionRun) {
  return {
    ...run,
    startedAt: isoTime(run.startedAt),
    endedAt: isoTime(run.endedAt),
    kinds: kinds.map((one) => ({ ...one, before: isoTime(one.before) })),
  }
}
