/** What stories about the status line's store begin with: the texts and rules that Pforte comes with, on a database of the story's own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import { formatProblems, loadService } from '../../../src/config.ts'
import type { PartResult } from '../../../src/app/ports/smsc.ts'
import type { StrangerCap } from '../../../src/domain/sms/caps.ts'
import { Connections } from '../../../src/store/connections.ts'
import { Customers } from '../../../src/store/customers.ts'
import { newId } from '../../../src/store/ids.ts'
import { Keys } from '../../../src/store/keys.ts'
import { PhoneNumbers } from '../../../src/store/phone-numbers.ts'
import { SmsIntents } from '../../../src/store/sms/intents.ts'
import { createTicket, enterStatus, type NewTicket } from '../../../src/store/tickets.ts'
import { freshDatabase, quiet } from '../../support/postgres.ts'
import { monday, valueOf } from '../../support/stories.ts'
import { until } from '../../support/until.ts'

const root = join(import.meta.dirname, '../../..')

/** The section `sms` of Pforte's own pforte.yaml, or as it is after a change. */
export function definition(change?: (sms: Record<string, any>) => void) {
  let text = readFileSync(join(root, 'pforte.yaml'), 'utf8')
  if (change !== undefined) {
    const service = parse(text)
    change(service.sms)
    text = stringify(service)
  }
  const loaded = loadService(text, { promptFolder: root, now: monday })
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'pforte.yaml', text))
  return loaded.service.sms!
}

/** The number that Pforte's texts come from, and the carrier's account. */
export const ours = '+49621555100'
export const route = 'pforte@smsc.example.com:2775'
/** As of a store of the tests. */
export const keys = new Keys(Buffer.alloc(32, 7))
export const marta = '+491701234567'

export async function statusLine(t: Test, as = definition()) {
  const database = await freshDatabase()
  const connections = new Connections(database.url, quiet)
  const due: number[] = []
  const alarms: StrangerCap[] = []
  const log = { ...quiet, error: (fields: object) => void logged.push(fields) }
  const logged: object[] = []
  const sms = new SmsIntents(connections, { onDue: [() => due.push(1)], onAlarm: [(cap) => alarms.push(cap)] }, log)
  sms.definition = as
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  pool.on('error', () => {})
  t.teardown(async () => {
    await until('all connections to be given back to the pool', () => connections.inUse === 0, 5000)
    await connections.close()
    await pool.end()
    await database.drop()
  })
  const rows = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> => (await pool.query(text, values)).rows as Row[]
  return {
    url: database.url,
    connections,
    sms,
    due,
    alarms,
    /** Errors. */
    logged,
    rows,
    async customer(numbers: string[], language = 'de'): Promise<string> {
      const customers = new Customers(connections, new PhoneNumbers('DE'), 6)
      return valueOf(await customers.create({ name: 'Marta Weber', numbers, language, timeZone: 'Europe/Berlin' }, monday)).id
    },
    ticket(about: Partial<NewTicket>, at = monday) {
      const ticket: NewTicket = { customerId: null, caller: null, subject: 'Störung', source: 'api', callId: null, ...about }
      return connections.kyselyTransaction((transaction) => createTicket(transaction, sms, ticket, at))
    },
    async enter(ticketId: string, status: 'in_progress' | 'completed', at: number): Promise<void> {
      await connections.kyselyTransaction(async (transaction) => {
        const { version } = await transaction
          .updateTable('tickets')
          .set({ status, version: (is) => is('version', '+', 1), updated_at: new Date(at) })
          .where('id', '=', ticketId)
          .returning('version')
          .executeTakeFirstOrThrow()
        await enterStatus(transaction, sms, { ticketId, version, status }, at)
      })
    },
    /** As if it had left for the carrier. */
    async sent(ticketId: string, at: number): Promise<void> {
      await pool.query(
        `UPDATE messages SET state = 'submitted', attempt = 1, due_at = NULL, sent_at = $2 WHERE ticket_id = $1 AND direction = 'out' AND state IN ('held', 'queued')`,
        [ticketId, new Date(at)],
      )
    },
    messages: (where = 'true') => rows<MessageRow>(`SELECT * FROM messages WHERE ${where} ORDER BY created_at, id`),
    comments: (ticketId: string) =>
      rows<{ author: string; text: string }>('SELECT author, text FROM ticket_comments WHERE ticket_id = $1 ORDER BY created_at, id', [
        ticketId,
      ]),
  }
}

export type MessageRow = {
  id: string
  direction: 'out' | 'in'
  recipient: string
  sender: string
  body: string
  state: string
  template: string | null
  ticket_id: string | null
  customer_id: string | null
  due_at: Date | null
  done_at: Date | null
  parts: number
  sending_by: string | null
  trace: { at: number; what: string; why: string }[]
}

/** A message that is being written to the carrier, or stands as `changes` say. */
export async function outgoing(
  { rows }: Pick<Awaited<ReturnType<typeof statusLine>>, 'rows'>,
  changes: { parts?: number; state?: string; attempt?: number; to?: string } = {},
): Promise<string> {
  const id = newId()
  const { parts = 1, state = 'submitting', attempt = 1, to = marta } = changes
  await rows(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, attempt, parts, sending_by, route, sent_at, due_at, created_at)
     VALUES ($1, 'out', $2, $3, 'Ihr Anliegen ist in Arbeit.', $4, 'ticket.in_progress', $5, $6, $7,
       CASE WHEN $4 = 'submitting' THEN 'a sender' END, $8, $5, CASE WHEN $4 IN ('held', 'queued', 'uncertain') THEN $5::timestamptz END, $5)`,
    [id, to, ours, state, new Date(monday), attempt, parts, route],
  )
  return id
}

/** What the carrier answered to one part. */
export function accepted(messageId: string, carrierId: string, { part = 0, parts = 1, late = false, attempt = 1, over = route } = {}) {
  const reservation = { bind: 'bind 1', route: over, epoch: 1, sequence: 1, parts }
  const result: PartResult = { messageId, part, reservation, is: 'accepted', carrierId, late }
  return { attempt, result }
}

/** Written to the carrier, and never answered. */
export function unanswered(messageId: string, { part = 0, parts = 1, attempt = 1 } = {}) {
  const reservation = { bind: 'bind 1', route, epoch: 1, sequence: 1, parts }
  const result: PartResult = { messageId, part, reservation, is: 'unanswered', why: 'the session ended' }
  return { attempt, result }
}
