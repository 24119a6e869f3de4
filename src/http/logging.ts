/**
 * What Fastify writes to the log by itself, without the address (it has numbers
 * in its query), headers (the key), bodies (PINs) or an error's own fields (a
 * database error's `detail` quotes the row that it failed on).
 */
import { AssertionError } from 'node:assert'
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

/** The part of an error that never holds a caller's data: where it came from, and its message only where we wrote that ourselves. */
export function causeOf(error: unknown): { name: string; code?: unknown; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error }
  const { name } = error
  const stack = error instanceof AssertionError ? error.stack : framesOf(error)
  return 'code' in error ? { name, code: error.code, stack } : { name, stack }
}

/** A stack begins with the message, and Postgres quotes in that what it was given. */
function framesOf({ stack }: Error): string | undefined {
  const begin = stack?.indexOf('\n    at ') ?? -1
  return begin < 0 ? undefined : stack!.slice(begin + 1)
}

export class DiscreetLog extends LogController {
  override incomingRequest(): void {}

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const answer = { ...whatWasAsked(request), status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) }
    if (error) request.log.warn({ ...answer, cause: causeOf(error) }, 'the answer broke off')
    else request.log.debug(answer, 'answered')
  }

  /** A client that goes away in the middle of a recording is nothing to report. */
  override streamError(error: Error & { code?: string }, request: FastifyRequest): void {
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') request.log.debug(whatWasAsked(request), 'the client left')
    else request.log.warn({ ...whatWasAsked(request), cause: causeOf(error) }, 'the answer broke off')
  }

  override serializerError(error: Error, request: FastifyRequest): void {
    request.log.error({ ...whatWasAsked(request), cause: causeOf(error) }, 'an answer did not fit its schema')
  }

  override writeHeadError(error: Error, request: FastifyRequest): void {
    request.log.warn({ ...whatWasAsked(request), cause: causeOf(error) }, 'the head of an answer could not be written')
  }

  /** Both are answered, and where they matter logged, by `errors.ts`. */
  override defaultErrorLog(): void {}
  override routeNotFound(): void {}
}

function whatWasAsked(request: FastifyRequest): { method: string; route: string } {
  return { method: request.method, route: request.routeOptions.url ?? 'none' }
}
