/** What all routes share: the server's type, their answers to errors, paging. */
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawServerDefault,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
} from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import type { PageRequest, TimeRange } from '../app/ports/records.ts'
import { instantOf } from './formats.ts'
import { invalidField, Problem } from './problem.ts'
import { DEFAULT_PAGE, ref } from './schemas/common.ts'

interface TypeBox extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}

export type Api = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBox>

/** What every route can answer besides its own: for the `response` of its schema. */
export const problems = {
  default: {
    description: 'Problem details (RFC 9457)',
    content: { 'application/problem+json': { schema: ref(Problem) } },
  },
}

export const NoContent = Type.Null({ description: 'Done' })

export function pageOf(query: { limit?: number; cursor?: string }): PageRequest {
  return { limit: query.limit ?? DEFAULT_PAGE, cursor: query.cursor ?? null }
}

/** Filter fields that were given, without the others: the store tells absent from undefined. */
export function given<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

export function timeRange(query: { from?: string; to?: string }): TimeRange {
  const from = query.from === undefined ? undefined : (instantOf(query.from) ?? undefined)
  const to = query.to === undefined ? undefined : (instantOf(query.to) ?? undefined)
  if (from !== undefined && to !== undefined && from >= to) throw invalidField('query', 'to', 'must be after from')
  return given({ from, to })
}

/** Dates between which a contract or a PIN counts; null: open on that side. Epoch milliseconds. */
export function validity(body: { validFrom?: string | null; validTo?: string | null }): {
  validFrom: number | null
  validTo: number | null
} {
  const validFrom = body.validFrom == null ? null : instantOf(body.validFrom)
  const validTo = body.validTo == null ? null : instantOf(body.validTo)
  if (validFrom !== null && validTo !== null && validFrom >= validTo) throw invalidField('body', 'validTo', 'must be after validFrom')
  return { validFrom, validTo }
}
