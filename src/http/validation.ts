/**
 * Validates requests with the TypeBox schemas, and words what is wrong.
 * Bodies are taken strictly (the string "5" is no number); in a query
 * everything is text, so whole numbers, true and false are read there.
 */
import type { FastifySchema, FastifySchemaCompiler } from 'fastify'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import Format from 'typebox/format'
import { type FieldProblem, ProblemError } from './problem.ts'
import { FORMATS } from './formats.ts'

for (const [name, { check }] of Object.entries(FORMATS)) Format.Set(name, check)

type Located = FastifySchemaValidationError

export const compileValidator: FastifySchemaCompiler<FastifySchema & TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema as TSchema)
  return (given: unknown) => {
    const value = httpPart === 'querystring' ? asRead(schema as TSchema, given) : given
    if (validator.Check(value)) return { value }
    return { error: validator.Errors(value) as unknown as Located[] & Error }
  }
}

function asRead(schema: TSchema, given: unknown): unknown {
  const properties = (schema as { properties?: Record<string, { type?: unknown }> }).properties ?? {}
  const read = { ...(given as Record<string, unknown>) }
  for (const [name, value] of Object.entries(read)) {
    if (properties[name]?.type === 'integer' && typeof value === 'string' && /^-?\d{1,15}$/.test(value)) read[name] = Number(value)
    if (properties[name]?.type === 'boolean' && (value === 'true' || value === 'false')) read[name] = value === 'true'
  }
  return read
}

const PLACES = { body: 'body', querystring: 'query', params: 'path', headers: 'header' } as const

/** 400 for a body or a query; 404 for an id that no object can have. Never quotes what was sent. */
export function problemOfValidation(errors: readonly Located[], context: string | undefined): ProblemError {
  const where = PLACES[context as keyof typeof PLACES] ?? 'body'
  const fields = fieldProblems(errors, where)
  if (where === 'path') {
    return new ProblemError(404, 'not_found', `There is nothing under this ${fields[0]?.field ?? 'id'}.`, { fields })
  }
  const detail = fields.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ')
  return new ProblemError(400, 'invalid_field', detail, { fields })
}

function fieldProblems(errors: readonly Located[], where: FieldProblem['in']): FieldProblem[] {
  const found = new Map<string, FieldProblem>()
  const add = (field: string, message: string) => {
    if (!found.has(field)) found.set(field, { in: where, field, message })
  }
  for (const error of errors) {
    const field = error.instancePath.slice(1).replaceAll('/', '.')
    const inside = (name: unknown) => (field === '' ? String(name) : `${field}.${name}`)
    const params = error.params as { requiredProperties?: string[]; additionalProperties?: string[] }
    if (error.keyword === 'required') for (const name of params.requiredProperties ?? []) add(inside(name), 'is missing')
    else if (error.keyword === 'additionalProperties') {
      for (const name of params.additionalProperties ?? []) add(inside(name.slice(0, 64)), 'is not a field that is known here')
    } else if (error.keyword !== 'boolean') add(field, wording(error))
  }
  // Where one of several forms is allowed, every form that was not meant complains too, one level up.
  const isShadowed = (field: string) => [...found.keys()].some((other) => other.startsWith(`${field}.`))
  return [...found.values()].filter(({ field }) => field === '' || !isShadowed(field))
}

function wording(error: Located): string {
  const params = error.params as Record<string, unknown>
  if (error.keyword === 'format') return FORMATS[String(params.format)]?.wanted ?? `must be a ${params.format}`
  if (error.keyword === 'enum' && Array.isArray(params.allowedValues)) return `must be one of ${params.allowedValues.join(', ')}`
  if (error.keyword === 'type' && error.instancePath === '') return 'the body must be a JSON object'
  return error.message ?? 'is not valid'
}
