/**
 * Holds what was read against the schema and says what does not fit in words
 * of the file, not of JSON Schema.
 */
import { Ajv } from 'ajv'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { durationMs } from './duration.ts'
import { nearestName } from '../domain/nearest-name.ts'
import { suggest } from './suggest.ts'
import type { Path } from './problem.ts'
import { stepKinds } from './schema/steps.ts'
import { serviceFile } from './schema/service.ts'

/** A mistake before it has a line: `of: 'key'` points at the key itself, not at its value. */
export type Mistake = { path: Path; of?: 'key'; message: string; hint: string }

type Schema = {
  title?: string
  description?: string
  patternErrorMessage?: string
  anyOf?: Schema[]
  required?: string[]
  properties?: Record<string, Schema>
  keyTitle?: string
  keyHint?: string
}

let compiled: ValidateFunction | undefined

/** Everything in `value` that the schema of `pforte.yaml` does not allow. */
export function schemaMistakes(value: unknown): Mistake[] {
  compiled ??= validator()
  if (compiled(value)) return []
  return withoutConsequences(withoutOtherBranches(compiled.errors ?? [])).map((error) => mistakeOf(error, value))
}

function validator(): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    // It runs once a start: what ajv spends on better code (50 of 140 ms), callers would wait for after a crash.
    code: { optimize: false },
  })
  ajv.addVocabulary(['patternErrorMessage', 'keyTitle', 'keyHint'])
  ajv.addKeyword({
    keyword: 'durationRange',
    type: 'string',
    schemaType: 'array',
    errors: false,
    validate: ([atLeast, atMost]: [string, string], written: string) => {
      const ms = durationMs(written)
      // What is no duration at all is told by its pattern.
      return ms === null || (ms >= (durationMs(atLeast) ?? 0) && ms <= (durationMs(atMost) ?? Infinity))
    },
  })
  return ajv.compile(serviceFile)
}

/**
 * Where several forms are allowed, ajv complains of each. Keeps only what is
 * wrong with the form that was meant: for steps the one whose kind is written,
 * else the one of the same type.
 */
function withoutOtherBranches(errors: ErrorObject[]): ErrorObject[] {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf')
  const dropped = new Set<ErrorObject>()
  for (const union of unions) {
    const branches = (union.parentSchema as Schema).anyOf ?? []
    const inside = branches.map((_, index) =>
      errors.filter(
        (error) =>
          error !== union &&
          error.instancePath.startsWith(union.instancePath) &&
          error.schemaPath.startsWith(`${union.schemaPath}/${index}/`),
      ),
    )
    const kindsWritten = stepKindsIn(union.data)
    const meant =
      kindsWritten.length > 1
        ? -1
        : branches.findIndex((branch, index) => {
            const kind = branch.required?.[0]
            return kind === undefined
              ? !(inside[index] ?? []).some((error) => error.instancePath === union.instancePath)
              : typeof union.data === 'object' && union.data !== null && kind in union.data
          })
    for (const [index, ofBranch] of inside.entries()) {
      if (index === meant) continue
      for (const error of ofBranch) dropped.add(error)
    }
    if (meant !== -1) dropped.add(union)
  }
  return errors.filter((error) => !dropped.has(error))
}

/** A misspelt key is not also a missing one. */
function withoutConsequences(errors: ErrorObject[]): ErrorObject[] {
  return errors.filter(
    (missing) =>
      missing.keyword !== 'required' ||
      !errors.some(
        ({ keyword, instancePath, params, parentSchema }) =>
          keyword === 'additionalProperties' &&
          instancePath === missing.instancePath &&
          nearestName(String(params.additionalProperty), Object.keys((parentSchema as Schema).properties ?? {})) ===
            missing.params.missingProperty,
      ),
  )
}

function mistakeOf(error: ErrorObject, whole: unknown): Mistake {
  const path = pathOf(error.instancePath, whole)
  const schema = error.parentSchema as Schema
  const shown = show(error.data)
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(path, String(error.params.additionalProperty), schema)
    case 'required':
      return missingKey(path, String(error.params.missingProperty))
    case 'anyOf':
      return path.at(-2) === 'steps'
        ? noKind(path, error.data)
        : { path, message: `${shown} is not ${schema.title ?? 'allowed here'}`, hint: hintOf(schema) }
    case 'durationRange': {
      const [atLeast, atMost] = error.schema as [string, string]
      return { path, message: `${shown} is out of range for ${String(path.at(-1))}`, hint: `It may be ${atLeast} to ${atMost}.` }
    }
    case 'minimum':
    case 'maximum':
      return { path, message: `${shown} is out of range for ${String(path.at(-1))}`, hint: `It may be ${rangeOf(schema)}.` }
    case 'minItems':
    case 'minProperties':
      return { path, message: `${String(path.at(-1) ?? 'the file')} is empty`, hint: schema.description ?? 'Name at least one.' }
    case 'uniqueItems':
      return { path, message: `${String(path.at(-1))} names the same twice`, hint: 'Keep one of them.' }
    case 'maxLength':
    case 'maxItems':
      return { path, message: `${String(path.at(-1))} is too long`, hint: `The most is ${String(error.params.limit)}.` }
    case 'type':
      return wrongType(path, error, schema)
    case 'const':
    case 'pattern':
    case 'minLength':
      return { path, message: `${shown} is not ${schema.title ?? 'allowed here'}`, hint: hintOf(schema) }
    default:
      return { path, message: `${shown}: ${error.message ?? 'not allowed here'}`, hint: hintOf(schema) }
  }
}

function unknownKey(path: Path, key: string, schema: Schema): Mistake {
  const at = { path: [...path, key], of: 'key' } as const
  const known = Object.keys(schema.properties ?? {})
  if (schema.keyTitle !== undefined) {
    const meant = nearestName(key, known)
    return {
      ...at,
      message: `"${key}" is not ${schema.keyTitle}`,
      hint: meant === null ? (schema.keyHint ?? '') : `Did you mean ${meant}?`,
    }
  }
  const where =
    path.at(-1) === 'then' ? 'is not a way out of this step' : path.length === 0 ? 'is not a section of this file' : 'is not known here'
  return { ...at, message: `"${key}" ${where}`, hint: suggest(key, known, 'Take it away.') }
}

function missingKey(path: Path, key: string): Mistake {
  const [, , , step] = path
  if (path.at(-1) === 'then') {
    return {
      path,
      of: 'key',
      message: `the step ${String(step)} has no way out for ${key}`,
      hint: `Add ${key}: with the step that comes then.`,
    }
  }
  const where = path.length === 0 ? 'the file' : String(path.at(-1))
  return { path, of: 'key', message: `${where} lacks ${key}`, hint: `Add ${key}: …` }
}

function noKind(path: Path, data: unknown): Mistake {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return { path, message: `the step ${String(path.at(-1))} is empty`, hint: `It begins with its kind: ${stepKinds.join(', ')}.` }
  }
  const kinds = stepKindsIn(data)
  if (kinds.length > 1) {
    return {
      path: [...path, kinds[1] ?? ''],
      of: 'key',
      message: `the step ${String(path.at(-1))} has ${kinds.length} kinds: ${kinds.join(', ')}`,
      hint: 'A step does one thing. Make two steps of it, one leading to the other.',
    }
  }
  const candidate = Object.keys(data).find((key) => key !== 'then') ?? 'then'
  return {
    path: [...path, candidate],
    of: 'key',
    message: candidate === 'then' ? `the step ${String(path.at(-1))} has no kind` : `"${candidate}" is not a kind of step`,
    hint: suggest(candidate, stepKinds, ''),
  }
}

function stepKindsIn(data: unknown): string[] {
  return typeof data === 'object' && data !== null ? Object.keys(data).filter((key) => (stepKinds as string[]).includes(key)) : []
}

function wrongType(path: Path, error: ErrorObject, schema: Schema): Mistake {
  if (path.length === 0) {
    return {
      path,
      message: 'the file is no block of sections',
      hint: 'It begins with lines:, flows:, prompts: and so on; take the pforte.yaml that comes with Pforte.',
    }
  }
  const wanted = String(error.params.type)
  if (error.data === null) {
    return {
      path,
      of: 'key',
      message: `nothing is written for ${String(path.at(-1) ?? 'the file')}`,
      hint: schema.description ?? hintOf(schema),
    }
  }
  if (wanted === 'string' && typeof error.data !== 'object') {
    return {
      path,
      message: `${show(error.data)} is not ${schema.title ?? 'a text'}`,
      hint: schema.patternErrorMessage ?? 'Put it in quotes.',
    }
  }
  const title =
    schema.title ?? { object: 'a block of keys and values', array: 'a list', string: 'a text', integer: 'a whole number' }[wanted] ?? wanted
  const hint =
    wanted === 'object' && schema.patternErrorMessage === undefined
      ? 'Write the keys on lines of their own below, indented by two spaces.'
      : wanted === 'array'
        ? 'Write it as [one, two], or each on a line with "- ".'
        : hintOf(schema)
  return { path, message: `${show(error.data)} is not ${title}`, hint }
}

function rangeOf(schema: Schema & { minimum?: number; maximum?: number }): string {
  return `${schema.minimum ?? '…'} to ${schema.maximum ?? '…'}`
}

function hintOf(schema: Schema): string {
  return schema.patternErrorMessage ?? schema.description ?? 'Look at the pforte.yaml that comes with Pforte.'
}

function show(value: unknown): string {
  const text =
    typeof value === 'string'
      ? `"${value}"`
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object' && value !== null
          ? 'a block'
          : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text
}

/** A JSON pointer as a path; indexes of lists become numbers. */
function pathOf(pointer: string, whole: unknown): Path {
  const keys =
    pointer === ''
      ? []
      : pointer
          .slice(1)
          .split('/')
          .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  let value: unknown = whole
  return keys.map((key) => {
    const index = Array.isArray(value) ? Number(key) : key
    value = (value as Record<string | number, unknown> | undefined)?.[index]
    return index
  })
}
