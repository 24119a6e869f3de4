/** Input made from the schemas of the OpenAPI document: what an operation takes, and what it must refuse. */
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { FORMATS } from '../../src/http/formats.ts'

export type Schema = {
  type?: string | string[]
  enum?: unknown[]
  format?: string
  pattern?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  minimum?: number
  minLength?: number
  $ref?: string
}
export type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }
export type Operation = {
  method: string
  path: string
  parameters: Parameter[]
  body: Schema | null
}
export type Document = {
  paths: Record<string, Record<string, { parameters?: Parameter[]; requestBody?: { content: Record<string, { schema: Schema }> } }>>
}

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      // What HEAD does is known from GET.
      .filter(([method]) => method !== 'head')
      .map(([method, { parameters = [], requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        parameters,
        body: requestBody?.content['application/json']?.schema ?? null,
      })),
  )
}

/** Judges by the document alone, with another library than the one that judges requests. */
const judge = new Ajv2020({ strict: false, allErrors: true, validateFormats: true })
for (const [name, { check }] of Object.entries(FORMATS)) judge.addFormat(name, check)
judge.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i)
const judges = new WeakMap<Schema, ValidateFunction>()

export function fits(schema: Schema, value: unknown): boolean {
  let fitting = judges.get(schema)
  if (fitting === undefined) judges.set(schema, (fitting = judge.compile(schema)))
  return fitting(value)
}

export const SQL = "x'; DROP TABLE customers; --"
const DEEP = JSON.parse(`${'['.repeat(12)}${']'.repeat(12)}`) as unknown

/** Values of every kind that somebody sends by mistake or on purpose. */
export const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 1.5, 42, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308],
  ...['', ' ', 'x', '1', 'NaN', 'Infinity', '-1', '1e3', '0x10', 'null', 'true', '\u200b', 'ä', '👍', 'x'.repeat(5000)],
  ...[SQL, "' OR '1'='1", '$1', '%', '\\', '{}', '../../etc/passwd', '<script>', '=cmd()'],
  ...['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T25:00:00Z', '2026-01-01', 'yesterday', '0000-01-01T00:00:00Z'],
  ...['2026-07-01T08:00:00', '2026-07-01T08:00:00+99:00', '01890000-0000-7000-8000-00000000000z', 'de_DE_', 'Mars/Phobos'],
  ...[[], [null], ['x'], [1, 2], [[]], {}, { x: 1 }, { id: 1 }, { $ne: null }, DEEP],
]

/** What stands for itself in no schema, by the field's name. */
type Good = Record<string, unknown>

/** A body that the schema takes: each field that is needed, and those of the others that `good` knows. */
export function goodBody(schema: Schema, good: Good): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(good, name) && fits(field, good[name])) body[name] = good[name]
    else if (schema.required?.includes(name) === true) body[name] = goodValue(field)
  }
  return body
}

export function goodValue(schema: Schema): unknown {
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf !== undefined) return goodValue(schema.anyOf[0]!)
  switch ([schema.type].flat()[0]) {
    case 'string':
      if (schema.format === 'date-time') return '2031-07-01T08:00:00+02:00'
      if (schema.format === 'uuid') return '01890000-0000-7000-8000-000000000000'
      return 'x'.repeat(Math.max(1, schema.minLength ?? 1))
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'array':
      return schema.items === undefined ? [] : [goodValue(schema.items)]
    default:
      return {}
  }
}
