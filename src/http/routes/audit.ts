import { Type } from 'typebox'
import type { AuditRecord } from '../../app/ports/records.ts'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { Audit } from '../schemas/audit.ts'
import { List, ListQuery, ref, Uuid } from '../schemas/common.ts'

const Text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))

const AuditQuery = ListQuery({
  object: Text('Kind of what was changed: `customer`, `ticket`, …'),
  objectId: Text('Its id; of an announcement the name, of a consent or a telephone number the number'),
  customerId: Type.Optional(Uuid('a customer; finds what was changed of theirs')),
  actor: Text('Id of an API key, user at the command line, or part of Pforte'),
})

/** Who changed what, when, from what and to what. */
export function auditRoutes(app: Api, { records }: HttpOptions): void {
  app.get(
    '/v1/audit',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['administration'],
        summary: 'Who changed what, newest first',
        description: 'Every change is written down in its own transaction. PINs, keys, passwords and secrets are not in it.',
        querystring: AuditQuery,
        response: { 200: List(ref(Audit)), ...problems },
      },
    },
    async (request) => {
      const { object, objectId, customerId, actor } = request.query
      const filter = { ...given({ object, objectId, customerId, actor }), ...timeRange(request.query) }
      const page = await records.audit(filter, pageOf(request.query))
      return { items: page.items.map(showAudit), next: page.next }
    },
  )
}

function showAudit(record: AuditRecord) {
  return { ...record, at: isoTime(record.at) }
}
