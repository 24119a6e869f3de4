/** Ids of what the store makes: UUID version 7 (RFC 9562), so that ids of one table grow with time. */
import { randomUUIDv7 } from 'node:crypto'

export function newId(): string {
  return randomUUIDv7()
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Asked before an id from outside reaches a uuid column, where anything else is an error and not "none". */
export function isId(text: string): boolean {
  return uuid.test(text)
}
