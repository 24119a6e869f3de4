/**
 * Every write under `/v1` is one transaction of the store: all that its route
 * does joins it, and it is committed once the answer is made and before it is
 * sent. An answer that is no success undoes what was done.
 *
 * With an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) the
 * answer is kept for 24 hours with what was done, so that whoever did not hear
 * it asks again without doing it twice.
 */
import assert from 'node:assert/strict'
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onSendAsyncHookHandler,
  preHandlerAsyncHookHandler,
  preHandlerHookHandler,
  RouteOptions,
} from 'fastify'
import { type TProperties, Type } from 'typebox'
import type { KeptAnswer, Written } from '../app/ports/writing.ts'
import type { HttpOptions } from './options.ts'
import { ProblemError } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route does is not one transaction, or it sees to that itself. */
    hasOwnTransactions?: boolean
    /** What takes long and changes nothing, done while no transaction is open yet. The body is valid by then. */
    beforeWrite?: preHandlerAsyncHookHandler
  }
  interface FastifyRequest {
    /** Until it is answered: commits, or undoes, and settles then. */
    endWrite: ((answer: KeptAnswer) => Promise<Written>) | null
  }
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE']
/** Of an answer, what is answered again. */
const KEPT_HEADERS = ['content-type', 'location', 'etag']
const RETRY_AFTER_SECONDS = 1

export const IdempotencyKey = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[\\u0021-\\u007e]([\\u0020-\\u007e]*[\\u0021-\\u007e])?$',
  description: 'Drawn by whoever asks. Within 24 hours the same key with the same request brings the same answer, and is done once',
})

/** @param route.url as it was registered */
export function isWrite({ method, url, config }: Pick<RouteOptions, 'method' | 'url' | 'config'>): boolean {
  return url.startsWith('/v1/') && [method].flat().some((one) => METHODS.includes(one)) && config?.hasOwnTransactions !== true
}

export function writeAsOne(app: FastifyInstance, { writing, now }: Pick<HttpOptions, 'writing' | 'now'>): void {
  app.decorateRequest('endWrite', null)
  app.addHook('onRoute', (route) => {
    if (!isWrite(route)) return
    const { properties = {} } = (route.schema?.headers ?? {}) as { properties?: TProperties }
    route.schema = { ...route.schema, headers: Type.Object({ ...properties, 'idempotency-key': Type.Optional(IdempotencyKey) }) }
    route.preHandler = [...[route.config?.beforeWrite ?? []].flat(), begin, ...[route.preHandler ?? []].flat()]
    route.onSend = [...[route.onSend ?? []].flat(), end]
  })

  const begin: preHandlerHookHandler = (request, reply, done) => {
    const key = request.headers['idempotency-key']
    const { keyId, name } = request.who
    const write = {
      actor: { keyId, name },
      requestId: request.id,
      idempotency: key === undefined ? null : { key: String(key), request: samenessOf(request) },
    }
    const { promise: answered, resolve: answer } = Promise.withResolvers<KeptAnswer>()
    let isOurs = false
    const written = writing.once(write, now(), () => {
      isOurs = true
      request.endWrite = (kept) => {
        answer(kept)
        return written
      }
      // The route runs from here, so that what it asks of the store joins.
      done()
      return answered
    })
    written.then(
      (is) => (isOurs ? undefined : answerOther(is, reply)),
      (error: Error) => (isOurs ? undefined : reply.send(error)),
    )
  }

  const end: onSendAsyncHookHandler = async (request, reply, payload) => {
    const { endWrite } = request
    if (endWrite === null) return payload
    request.endWrite = null
    try {
      await endWrite(answerOf(reply, payload))
    } catch (error) {
      for (const name of KEPT_HEADERS) reply.removeHeader(name)
      throw error
    }
    return payload
  }
}

/** To whoever came with a key that somebody else has, or had. */
function answerOther(written: Written, reply: FastifyReply): FastifyReply {
  switch (written.is) {
    case 'replayed': {
      const { status, headers, body } = written.answer
      return reply.code(status).headers(headers).header('idempotency-replayed', 'true').send(body)
    }
    case 'reused': {
      const message = 'came with another request before. Draw a new one for each'
      return reply.send(
        new ProblemError(422, 'idempotency_key_reused', `Idempotency-Key: ${message}.`, {
          fields: [{ in: 'header', field: 'Idempotency-Key', message }],
        }),
      )
    }
    case 'in_progress':
      return reply.send(
        new ProblemError(409, 'in_progress', 'The first request with this Idempotency-Key is still at work. Ask again in a moment.', {
          headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
        }),
      )
    case 'done':
      throw new Error('what was done here was answered here')
  }
}

/** The same for requests that ask the same, whatever the order of their fields. */
function samenessOf({ method, url, body }: FastifyRequest): string {
  return JSON.stringify([method, url, body ?? null], (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

function answerOf(reply: FastifyReply, payload: unknown): KeptAnswer {
  assert(payload === undefined || payload === null || typeof payload === 'string', 'a write answers with JSON or with nothing')
  const headers = KEPT_HEADERS.flatMap((name) => (reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : []))
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body: payload ?? null }
}
