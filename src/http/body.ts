/** Reads JSON bodies, and refuses what no schema would catch. */
import type { FastifyInstance } from 'fastify'
import { invalidField, type FieldProblem, ProblemError } from './problem.ts'

export const BODY_LIMIT_BYTES = 64 * 1024
const DEPTH_LIMIT = 16

/** JSON is the only content type; an empty body counts as none. */
export function takeJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    body.length === 0 ? undefined : parse(body),
  )
  app.addHook('preValidation', async (request) => {
    refuseUnstorable(request.query, 'query')
    refuseUnstorable(request.params, 'path')
    refuseUnstorable(request.body, 'body')
    // So that a POST without a body is judged like one with an empty object.
    if (request.body === undefined && request.routeOptions.schema?.body !== undefined) request.body = {}
  })
}

function parse(body: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new ProblemError(400, 'bad_encoding', 'The body is not valid UTF-8.')
  }
  try {
    return JSON.parse(text)
  } catch {
    // V8's message quotes the text around the mistake, which may hold a PIN.
    throw new ProblemError(400, 'bad_json', 'The body is not valid JSON.')
  }
}

/**
 * NUL and lone surrogates cannot be stored by Postgres as text; nesting that
 * no schema asks for is refused before anything walks it recursively.
 */
function refuseUnstorable(root: unknown, where: FieldProblem['in']): void {
  const open: { value: unknown; field: string; depth: number }[] = [{ value: root, field: '', depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, field, depth } = next
    if (typeof value === 'string' && !isText(value)) throw invalidField(where, field, 'holds a character that cannot be stored')
    if (typeof value !== 'object' || value === null) continue
    if (depth === DEPTH_LIMIT) throw new ProblemError(400, 'too_deep', `The body is nested deeper than ${DEPTH_LIMIT} levels.`)
    for (const [name, inner] of Object.entries(value)) {
      if (name === '__proto__' || !isText(name)) throw invalidField(where, field || '(unnamed)', 'holds a field name that is not allowed')
      open.push({ value: inner, field: field === '' ? name : `${field}.${name}`, depth: depth + 1 })
    }
  }
}

const isText = (text: string) => text.isWellFormed() && !text.includes('\u0000')
