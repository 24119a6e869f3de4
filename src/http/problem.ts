/**
 * Every error of the API is a problem document (RFC 9457). `type` stays
 * `about:blank`: the status says what kind it is, `code` is what a program
 * branches on, `detail` is for people and says what to do.
 */
import { STATUS_CODES } from 'node:http'
import { type Static, Type } from 'typebox'
import type { Result } from '../app/ports/records.ts'

const IDEMPOTENCY_KEY = 'Idempotency-Key'

export const FieldProblem = Type.Object({
  in: Type.Enum(['body', 'query', 'path', 'header']),
  field: Type.String({ description: 'Name of the field, with a dot before each part inside it: numbers.0' }),
  message: Type.String(),
})
export type FieldProblem = Static<typeof FieldProblem>

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable word for programs to branch on' }),
    detail: Type.String(),
    errors: Type.Optional(Type.Array(FieldProblem)),
  },
  { $id: 'Problem', description: 'Problem details, RFC 9457' },
)
export type Problem = Static<typeof Problem>

/** An answer that is a problem document. Thrown by routes; the error handler writes it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  readonly code: string
  readonly fields: FieldProblem[]
  readonly headers: Record<string, string>

  constructor(status: number, code: string, detail: string, more: { fields?: FieldProblem[]; headers?: Record<string, string> } = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.fields = more.fields ?? []
    this.headers = more.headers ?? {}
  }

  toProblem(): Problem {
    return problem(this.status, this.code, this.message, this.fields)
  }
}

export function problem(status: number, code: string, detail: string, fields: FieldProblem[] = []): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    ...(fields.length > 0 ? { errors: fields } : {}),
  }
}

/** 400 that names one field. */
export function invalidField(where: FieldProblem['in'], field: string, message: string): ProblemError {
  return new ProblemError(400, 'invalid_field', `${field}: ${message}`, { fields: [{ in: where, field, message }] })
}

export function notFound(what: string): ProblemError {
  return new ProblemError(404, 'not_found', `There is no ${what} with this id.`)
}

const CONFLICT = 409
const UNPROCESSABLE = 422

/**
 * The value of what the app answered, or its refusal as a problem.
 * @param as.invalid `unprocessable` (422) where a field is well formed and does not fit what `pforte.yaml` says; 400 otherwise
 */
export function valueOf<T>(result: Result<T>, as: { invalid?: 'unprocessable' } = {}): T {
  if (result.ok) return result.value
  const { refused, field, message } = result.refusal
  const fields: FieldProblem[] = field === undefined ? [] : [{ in: field === IDEMPOTENCY_KEY ? 'header' : 'body', field, message }]
  switch (refused) {
    case 'not_found':
      throw new ProblemError(404, 'not_found', message, { fields })
    case 'conflict':
      throw new ProblemError(CONFLICT, 'conflict', message, { fields })
    case 'key_reused':
      throw new ProblemError(UNPROCESSABLE, 'idempotency_key_reused', message, { fields })
    case 'invalid': {
      if (as.invalid !== 'unprocessable') throw new ProblemError(400, 'invalid_field', message, { fields })
      throw new ProblemError(UNPROCESSABLE, 'unprocessable', field === undefined ? message : `${field}: ${message}`, { fields })
    }
  }
}
