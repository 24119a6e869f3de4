/** Turns whatever a request ran into, into a problem document. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { BadCursor } from '../app/ports/records.ts'
import { StoreUnavailable } from '../app/ports/store.ts'
import { invalidField, type Problem, ProblemError, problem } from './problem.ts'
import { causeOf } from './logging.ts'
import { problemOfValidation } from './validation.ts'
import type { RouteTable } from './route-table.ts'

const RETRY_AFTER_SECONDS = 2

/** Installs the handlers for errors, unknown routes and known routes with another method. */
export function handleErrors(app: FastifyInstance, table: RouteTable): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const answer = asProblemError(error, request)
    if (answer.status >= 500) logCause(error, request)
    return sendProblem(reply, answer.toProblem(), answer.headers)
  })
  app.setNotFoundHandler((request, reply) => {
    const allowed = table.methodsAt(pathOf(request))
    if (allowed.length > 0) {
      const detail = `${request.method} is not possible here; possible: ${allowed.join(', ')}.`
      return sendProblem(reply, problem(405, 'method_not_allowed', detail), { allow: allowed.join(', ') })
    }
    return sendProblem(reply, problem(404, 'no_such_route', 'There is nothing at this address. /openapi.json lists all there is.'))
  })
}

export function sendProblem(reply: FastifyReply, body: Problem, headers: Record<string, string> = {}): FastifyReply {
  // Already a string, so that no route's response schema can drop a member of it.
  return reply.code(body.status).headers(headers).type('application/problem+json').send(JSON.stringify(body))
}

export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}

export function asProblemError(error: FastifyError, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error
  if (error.validation !== undefined) return problemOfValidation(error.validation, error.validationContext)
  if (error instanceof BadCursor) return invalidField('query', 'cursor', error.message)
  if (error instanceof StoreUnavailable) {
    return new ProblemError(503, 'store_unavailable', 'Postgres cannot be reached at the moment; nothing was changed. Try again shortly.', {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    })
  }
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ProblemError(415, 'unsupported_media_type', 'Send the body as JSON, with the header Content-Type: application/json.', {
        headers: { accept: 'application/json' },
      })
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ProblemError(413, 'body_too_large', `The body is larger than ${request.routeOptions.bodyLimit} bytes.`)
    case 'FST_ERR_BAD_URL':
      return new ProblemError(400, 'bad_url', 'The address is not a valid URL path.')
  }
  const status = error.statusCode
  if (status !== undefined && status >= 400 && status < 500) return new ProblemError(status, 'bad_request', error.message)
  return new ProblemError(500, 'internal', `Pforte made a mistake. Its log has the cause under reqId ${request.id}.`)
}

function logCause(error: FastifyError, request: FastifyRequest): void {
  const what = { cause: causeOf(error), method: request.method, route: request.routeOptions.url }
  if (error instanceof StoreUnavailable) request.log.warn(what, 'refused, because the store is away')
  else request.log.error(what, 'request failed')
}
