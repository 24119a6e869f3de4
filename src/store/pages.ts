/**
 * Lists, newest first, page by page. A page is found by the last row of the one
 * before (keyset), so that the thousandth page costs what the first does and
 * rows that come in meanwhile shift nothing.
 */
import { sql, type SelectQueryBuilder } from 'kysely'
import { BadCursor, type Page, type PageRequest } from '../app/ports/records.ts'

type Key = { at: number; id: string }

/** Opaque to others: time and id of the last row, as base64url. */
export function encodeCursor({ at, id }: Key): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

/** Null for text that is no cursor of ours. */
export function decodeCursor(cursor: string): Key | null {
  const match = /^(\d{1,15}) ([\x20-\x7e]{1,100})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'))
  return match === null ? null : { at: Number(match[1]), id: match[2]! }
}

/**
 * Orders, cuts and starts after the cursor. Takes one row more than asked for, to see whether there is a next page.
 * `isKey` says whether a text can be an id of this list, because a cursor comes from outside.
 */
export function newestFirst<DB, Tables extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, Tables, Row>,
  timeColumn: string,
  idColumn: string,
  isKey: (id: string) => boolean,
  { limit, cursor }: PageRequest,
): SelectQueryBuilder<DB, Tables, Row> {
  const time = sql.ref(timeColumn)
  const id = sql.ref(idColumn)
  let page = query
    .orderBy(sql`${time} desc`)
    .orderBy(sql`${id} desc`)
    .limit(limit + 1)
  if (cursor !== null) {
    const key = decodeCursor(cursor)
    if (key === null || !isKey(key.id))
      throw new BadCursor('This cursor is none that a page gave. Use `next` of the page before, unchanged.')
    page = page.where(sql<boolean>`(${time}, ${id}) < (${new Date(key.at)}, ${key.id})`)
  }
  return page
}

/** Of the rows that `newestFirst` found: the page, with the cursor of the next. */
export function pageOf<Row, Item>(rows: Row[], limit: number, keyOf: (row: Row) => Key, itemOf: (row: Row) => Item): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(itemOf), next: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null }
}
