/** For whoever watches over Pforte: is it alive, is it ready, how is it doing. */
import { Type } from 'typebox'
import { type Api, problems } from '../api.ts'
import { causeOf } from '../logging.ts'
import type { HttpOptions, Parts } from '../options.ts'
import { ref } from '../schemas/common.ts'
import { Readiness } from '../schemas/service.ts'

/** Within the time that a load balancer's own check usually allows. */
const PARTS_LIMIT_MS = 3_000

export function healthRoutes(app: Api, { parts, metrics, log }: HttpOptions): void {
  const tags = ['health']

  app.get(
    '/healthz',
    { schema: { tags, summary: 'The process is alive', response: { 200: Type.Object({ alive: Type.Boolean() }) } } },
    async () => ({ alive: true }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: "Each part's state; 503 while not ready",
        response: { 200: ref(Readiness), 503: ref(Readiness), ...problems },
      },
    },
    async (_request, reply) => {
      const state = await askParts()
      const ready = Object.values(state).every(({ ok }) => ok)
      return reply.code(ready ? 200 : 503).send({ ready, parts: state })
    },
  )

  app.get(
    '/metrics',
    { schema: { tags, summary: 'Prometheus', response: { 200: { content: { 'text/plain': { schema: Type.String() } } } } } },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  )

  /** A part that breaks or hangs while it is asked is not ready; the asker still gets an answer. */
  async function askParts(): Promise<Parts> {
    const limit = Promise.withResolvers<Parts>()
    const timer = setTimeout(() => limit.resolve(noAnswer(`did not say within ${PARTS_LIMIT_MS} ms`)), PARTS_LIMIT_MS)
    try {
      return await Promise.race([parts(), limit.promise])
    } catch (error) {
      log.error({ cause: causeOf(error) }, 'the state of the parts could not be read')
      return noAnswer('could not be asked; the log has the cause')
    } finally {
      clearTimeout(timer)
    }
  }
}

function noAnswer(detail: string): Parts {
  const part = { ok: false, detail }
  return { postgres: part, asterisk: part, smsc: part }
}
