/** OpenAPI 3.1 from the same schemas that validate. */
import swagger from '@fastify/swagger'
import type { Api } from './api.ts'
import { Problem } from './problem.ts'
import { Audit } from './schemas/audit.ts'
import { Call } from './schemas/calls.ts'
import { Contract, Customer, IssuedPin, Pin } from './schemas/customers.ts'
import { ApiKey, DrawnApiKey } from './schemas/keys.ts'
import { Event, Message } from './schemas/messages.ts'
import { Consents, CustomerExport, RetentionRun } from './schemas/privacy.ts'
import { SmsReport } from './schemas/reports.ts'
import { Agent, Announcement, FlowPicture, Line, Queue, Readiness, SipAccount } from './schemas/service.ts'
import { Fault, Pdu, Reply } from './schemas/simulator.ts'
import { Comment, Ticket } from './schemas/tickets.ts'
import { Delivery, Webhook, WebhookWithSecret } from './schemas/webhooks.ts'

/** What schemas name by `$ref`. */
export const SHARED = [
  ...[Problem, Call, Customer, Contract, IssuedPin, Pin, Ticket, Comment, Message, Event, SmsReport, Audit],
  ...[Consents, CustomerExport, RetentionRun],
  ...[Line, Queue, Agent, Announcement, FlowPicture, Readiness, SipAccount],
  ...[Reply, Fault, Pdu],
  ...[ApiKey, DrawnApiKey],
  ...[Webhook, WebhookWithSecret, Delivery],
]

export async function describeApi(app: Api): Promise<void> {
  for (const schema of SHARED) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pforte',
        version: '1',
        description:
          'Customers, PINs, calls, tickets and messages of a telephone hotline. Times are ISO 8601 with zone, ids are strings, numbers E.164.',
      },
      components: {
        securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key. One with the scope admin opens everything' } },
      },
      security: [{ key: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json.$id === 'string' ? json.$id : `schema${index}`) },
  })
}

export function openApiRoute(app: Api): void {
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  )
}
