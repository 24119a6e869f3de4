import assert from 'node:assert/strict'
import type { Parameter } from './prepared.ts'

/** A value as it goes to Postgres. Objects go as JSON texts, written by whoever has them. */
export function asParameter(value: unknown): Parameter {
  if (typeof value === 'string' || value === null || value instanceof Buffer) return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map(asElement).join(',')}}`
  assert(['number', 'boolean', 'bigint'].includes(typeof value), 'a value that a statement can take')
  return String(value)
}

/** An element of an array, as PostgreSQL's manual writes it (8.15.2). */
function asElement(value: unknown): string {
  const text = asParameter(value)
  assert(typeof text === 'string', 'arrays hold texts and numbers')
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
