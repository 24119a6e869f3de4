/**
 * A prepared statement on `pg`'s connection, with what the way of a call does
 * not need left out: the columns of a statement are described once and then
 * known, rows are read straight into objects, and Bind, Execute and Sync leave
 * as one piece (PostgreSQL's manual, "Extended Query", 54.2.3).
 */
import pg from 'pg'
import { serialize } from 'pg-protocol'

/** A statement that is prepared once a connection and then only executed. Named by what it does. */
export type Statement = { name: string; text: string }
/** As they go to Postgres: texts, or bytes. */
export type Parameter = string | Buffer | null

type Column = { name: string; parse: (text: string) => unknown }
type Field = { name: string; dataTypeID: number; format?: string }
export type Connection = {
  stream: { write(bytes: Uint8Array): void }
  /** By name: known to the server, and sent to it without an answer yet. */
  parsedStatements: Record<string, string>
  submittedNamedStatements: Record<string, string>
  parse(query: { name: string; text: string }): void
  describe(what: { type: 'P'; name: string }): void
}
type Types = { getTypeParser(oid: number, format?: unknown): (text: string) => unknown }
export type Done<T> = (error: Error | null, result?: T) => void
/** A statement and its values. */
export type Asked = { statement: Statement; values: Parameter[] }

const execute = serialize.execute()
const sync = serialize.sync()
const executeAndSync = Buffer.concat([execute, sync])
/** What the statements answer, by their text: the same on every connection. */
const columnsOf = new Map<string, Column[]>()

export class PreparedQuery {
  readonly name: string
  readonly text: string
  callback: Done<{ rows: object[] }>
  readonly #values: Parameter[]
  readonly #types: Types
  #columns: Column[]
  readonly #rows: object[] = []
  #failed: Error | null = null

  constructor({ name, text }: Statement, values: Parameter[], types: Types, callback: Done<{ rows: object[] }>) {
    this.name = name
    this.text = text
    this.callback = callback
    this.#values = values
    this.#types = types
    this.#columns = columnsOf.get(text) ?? []
  }

  submit(connection: Connection): Error | null {
    const { name, text } = this
    if (connection.parsedStatements[name] === undefined && connection.submittedNamedStatements[name] === undefined) {
      connection.parse({ name, text })
      connection.submittedNamedStatements[name] = text
    }
    const bind = serialize.bind({ statement: name, values: this.#values })
    if (columnsOf.has(text)) {
      connection.stream.write(Buffer.concat([bind, executeAndSync]))
    } else {
      connection.stream.write(bind)
      connection.describe({ type: 'P', name: '' })
      connection.stream.write(executeAndSync)
    }
    return null
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: this.#types.getTypeParser(dataTypeID, 'text') }))
    columnsOf.set(this.text, this.#columns)
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#failed !== null) return
    try {
      this.#rows.push(rowOf(this.#columns, fields))
    } catch (error) {
      this.#failed = error as Error
    }
  }

  /** One that answers no rows was not described either. */
  handleCommandComplete(): void {
    if (!columnsOf.has(this.text)) columnsOf.set(this.text, [])
  }

  handleEmptyQuery(): void {}

  handleError(error: Error): void {
    this.callback(this.#failed ?? error)
  }

  handleReadyForQuery(): void {
    if (this.#failed !== null) this.callback(this.#failed)
    else this.callback(null, { rows: this.#rows })
  }
}

/**
 * Several statements with one Sync: Postgres takes them for one transaction, unless they begin one of their own, skips
 * what follows one that fails, and answers all of them at once. Each is known to the connection already.
 */
export class PreparedBatch {
  /** `pg` keeps account of what is parsed by it; nothing is parsed here. */
  readonly name = ''
  readonly text = ''
  callback: Done<{ rows: object[] }[]>
  readonly #asked: readonly Asked[]
  readonly #columns: Column[][]
  readonly #results: { rows: object[] }[]
  #at = 0
  #failed: Error | null = null

  constructor(asked: readonly Asked[], callback: Done<{ rows: object[] }[]>) {
    this.callback = callback
    this.#asked = asked
    this.#columns = asked.map(({ statement }) => columnsOf.get(statement.text)!)
    this.#results = asked.map(() => ({ rows: [] }))
  }

  /** A statement that is parsed within a batch could be skipped, and nobody would know whether it had been. */
  static canTake(connection: Connection, asked: readonly Asked[]): boolean {
    return asked.every(({ statement: { name, text } }) => connection.parsedStatements[name] !== undefined && columnsOf.has(text))
  }

  submit(connection: Connection): Error | null {
    const pieces: Buffer[] = []
    for (const { statement, values } of this.#asked) pieces.push(serialize.bind({ statement: statement.name, values }), execute)
    pieces.push(sync)
    connection.stream.write(Buffer.concat(pieces))
    return null
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#failed !== null) return
    try {
      this.#results[this.#at]!.rows.push(rowOf(this.#columns[this.#at]!, fields))
    } catch (error) {
      this.#failed = error as Error
    }
  }

  handleCommandComplete(): void {
    this.#at++
  }

  handleEmptyQuery(): void {
    this.#at++
  }

  handleError(error: Error): void {
    this.callback(this.#failed ?? error)
  }

  handleReadyForQuery(): void {
    if (this.#failed !== null) this.callback(this.#failed)
    else this.callback(null, this.#results)
  }
}

function rowOf(columns: readonly Column[], fields: readonly (string | null)[]): object {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < columns.length; index++) {
    const { name, parse } = columns[index]!
    const text = fields[index]!
    row[name] = text === null ? null : parse(text)
  }
  return row
}

// `pg` pipelines only its own queries, so these are of them by descent; nothing of what they do is called, not even
// their constructor, which costs more than the rest of a statement.
Object.setPrototypeOf(PreparedQuery.prototype, pg.Query.prototype)
Object.setPrototypeOf(PreparedBatch.prototype, pg.Query.prototype)
