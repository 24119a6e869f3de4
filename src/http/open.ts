/** Puts the HTTP edge together: one Fastify, one place each for errors, keys, bodies, schemas and routes. */
import Fastify, { type FastifyBaseLogger } from 'fastify'
import type { Api } from './api.ts'
import { requireKey, requireScope } from './auth.ts'
import { BODY_LIMIT_BYTES, takeJsonBodies } from './body.ts'
import { Door } from './door.ts'
import { asProblemError, handleErrors, sendProblem } from './errors.ts'
import { DiscreetLog } from './logging.ts'
import { timeRequests } from './metrics.ts'
import { describeApi, openApiRoute, SHARED } from './openapi.ts'
import type { HttpOptions } from './options.ts'
import { limitKeys, prepareLimits } from './rate-limit.ts'
import { keepRouteTable, type Route } from './route-table.ts'
import { agentRoutes } from './routes/agents.ts'
import { announcementRoutes } from './routes/announcements.ts'
import { auditRoutes } from './routes/audit.ts'
import { callRoutes } from './routes/calls.ts'
import { commentRoutes } from './routes/comments.ts'
import { contractRoutes } from './routes/contracts.ts'
import { consentRoutes } from './routes/consents.ts'
import { customerRoutes } from './routes/customers.ts'
import { demoAgentRoutes } from './routes/demo-agent.ts'
import { docsRoutes } from './routes/docs.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { liveRoutes } from './routes/live.ts'
import { messageRoutes } from './routes/messages.ts'
import { pageRoutes } from './routes/pages.ts'
import { privacyRoutes } from './routes/privacy.ts'
import { promptRoutes } from './routes/prompts.ts'
import { reportRoutes } from './routes/reports.ts'
import { serviceRoutes } from './routes/service.ts'
import { simulatorRoutes } from './routes/simulator.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { serializerCompiler } from './serialization.ts'
import { compileValidator } from './validation.ts'
import { writeAsOne } from './writes.ts'

export type Http = {
  /** Where it listens: `http://127.0.0.1:8080`. */
  url: string
  readonly routes: readonly Route[]
  /** Takes no new requests, lets those under way be answered, and then ends; within 5 s in any case. */
  close(): Promise<void>
}

const ROUTES = [
  customerRoutes,
  contractRoutes,
  callRoutes,
  ticketRoutes,
  commentRoutes,
  messageRoutes,
  eventRoutes,
  reportRoutes,
  privacyRoutes,
  consentRoutes,
  serviceRoutes,
  keyRoutes,
  agentRoutes,
  announcementRoutes,
  auditRoutes,
  webhookRoutes,
  liveRoutes,
  demoAgentRoutes,
  simulatorRoutes,
  promptRoutes,
  healthRoutes,
  openApiRoute,
  pageRoutes,
]

/**
 * Answers at the door, which is opened here if it is not yet.
 * @throws what `Door.open` throws
 */
export async function openHttp(options: HttpOptions, opened?: Door): Promise<Http> {
  const door = opened ?? (await Door.open(options))
  let answerWith = (): void => {}
  const app: Api = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new DiscreetLog(),
    bodyLimit: BODY_LIMIT_BYTES,
    serverFactory: (answer) => {
      answerWith = () => door.answerWith(answer)
      return door.server
    },
    frameworkErrors: (error, request, reply) => {
      const answer = asProblemError(error, request)
      sendProblem(reply, answer.toProblem(), answer.headers)
    },
  })
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(serializerCompiler(SHARED))
  const table = keepRouteTable(app, options.pages.paths)
  handleErrors(app, table)
  requireKey(app, table, await prepareLimits(app, options.refusalsPerMinute), options)
  limitKeys(app)
  requireScope(app, table)
  takeJsonBodies(app)
  writeAsOne(app, options)
  timeRequests(app, options.metrics)
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer')
    // Answers speak of people; whoever may be cached (prompts, pages) says so itself.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  await describeApi(app)
  for (const routes of ROUTES) routes(app, options)
  await docsRoutes(app)
  await app.ready()
  answerWith()
  options.log.info(`listening at ${door.url}`)
  return { url: door.url, routes: table.routes, close: () => close(app, door) }
}

/** Nobody new comes in; those under way are answered, and told that this was the last answer on their connection. */
async function close(app: Api, door: Door): Promise<void> {
  const closed = door.close()
  await app.close()
  await closed
}
