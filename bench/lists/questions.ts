/** What can be asked, by the OpenAPI document, and with which values. */
import assert from 'node:assert/strict'
import { isTicketNumber } from '../../src/domain/ticket/number.ts'
import type { TestPforte } from '../../test/support/pforte.ts'

/** `path` is another one each time. */
export type Question = { what: string; is: 'alone' | 'together'; path: () => string }
type Values = readonly string[]
type Operation = { tags?: string[]; parameters?: { name: string; in: 'path' | 'query' }[] }

/** No lists and no look-ups: they count, stream, or read what is in memory. */
const OTHERS = [
  /^\/(simulator|prompts|healthz|readyz|metrics)/,
  /^\/v1\/(live|reports|retention|demo-agent|agents|queues|lines|flows)/,
  /\/(voicemail|export)$/,
]
const SAMPLES = 300

/** @param paths of the document */
export async function questionsOf(paths: Record<string, { get?: Operation }>, { db }: TestPforte): Promise<Question[]> {
  const rows = async (statement: string): Promise<Values> => {
    const found = await db.query<{ value: string }>(`${statement} LIMIT ${SAMPLES}`)
    assert(found.rows.length > 0, `something is found by ${statement}`)
    return found.rows.map(({ value }) => value)
  }
  const some = (column: string, table: string): Promise<Values> =>
    rows(`SELECT ${column} AS value FROM ${table} TABLESAMPLE SYSTEM (0.5) WHERE ${column} IS NOT NULL`)
  const times = (await some('created_at', 'tickets')).map((at) => new Date(at).toISOString())
  const people = [...(await some('caller', 'tickets')), '+4915200000001', '+4915299999999']
  const customers = await some('id', 'customers')
  const tickets = await some('id', 'tickets')
  const ids: Record<string, Values> = {
    customers,
    contracts: await rows(`SELECT id AS value FROM contracts ORDER BY id`),
    tickets: [...tickets, ...(await rows('SELECT DISTINCT ticket_id AS value FROM ticket_comments'))],
    messages: await some('id', 'messages'),
    calls: await some('id', 'calls'),
    consents: people,
  }
  const values: Record<string, Values> = {
    limit: ['20', '50'],
    from: times,
    to: times,
    since: times,
    until: times,
    status: ['received', 'in_progress', 'completed'],
    caller: people,
    number: people,
    customerId: customers,
    contractId: ids['contracts']!,
    ticketId: tickets,
    mergedInto: await rows('SELECT merged_into AS value FROM tickets WHERE merged_into IS NOT NULL'),
    queue: ['seldom', 'nowhere', ...(await rows('SELECT name AS value FROM queues'))],
    fault: ['true', 'false'],
    overdue: ['true', 'false'],
    line: ['hotline', 'hotline-en', 'nowhere'],
    outcome: ['connected', 'failed', 'turned_away'],
    state: ['delivered', 'failed', 'held', 'received'],
    direction: ['in', 'out'],
    template: ['ticket.received', 'payment.received', 'none.such'],
    name: ['w', 'Weber a1', 'bäckerei 7f', 'Hotel', 'nobody'],
    customerNumber: await some('customer_number', 'customers'),
    object: ['ticket', 'contract', 'nothing'],
    objectId: tickets,
    actor: ['first', 'anna', 'nobody'],
  }
  /** Of messages these are numbers; of tickets `number` is the one that is read out, a tenth of those that were seeded. */
  const own: Record<string, Record<string, Values>> = {
    '/v1/messages': { to: people, from: [...people, '+49621555100'] },
    '/v1/tickets': { number: (await some('number', 'tickets')).filter(isTicketNumber) },
  }
  const questions: Question[] = []
  for (const [template, { get }] of Object.entries(paths)) {
    if (get === undefined || OTHERS.some((other) => other.test(template))) continue
    const parameters = get.parameters ?? []
    const kind = template.split('/')[2]!
    if (parameters.some((parameter) => parameter.in === 'path') && ids[kind] === undefined) {
      assert(['webhooks', 'keys'].includes(kind), `bench/lists/questions.ts has ids for GET ${template}`)
      continue
    }
    const filters = parameters.flatMap((parameter) => (parameter.in === 'query' && parameter.name !== 'cursor' ? [parameter.name] : []))
    const path = (query: readonly string[]): string => {
      const place = template.replace(/\{\w+\}/, () => encodeURIComponent(one(ids[kind]!)))
      const parts = query.map((filter) => {
        const known = own[template]?.[filter] ?? values[filter]
        assert(known !== undefined, `bench/lists/questions.ts has values for ${filter} of GET ${template}`)
        return `${filter}=${encodeURIComponent(one(known))}`
      })
      return parts.length === 0 ? place : `${place}?${parts.join('&')}`
    }
    const add = (is: Question['is'], ...query: string[]): void => {
      questions.push({ what: `${template}${query.length === 0 ? '' : `?${query.join('&')}`}`, is, path: () => sound(() => path(query)) })
    }
    add('alone')
    for (const [place, filter] of filters.entries()) {
      if (filter === 'limit') continue
      add('alone', filter)
      for (const other of filters.slice(place + 1)) if (other !== 'limit') add('together', filter, other)
    }
  }
  return questions
}

function one(values: Values): string {
  return values[Math.floor(Math.random() * values.length)]!
}

/** A time that ends before it begins is refused, and no question. */
function sound(draw: () => string): string {
  for (;;) {
    const path = draw()
    const { searchParams } = new URL(path, 'http://pforte')
    const [from, to] = [searchParams.get('from') ?? searchParams.get('since'), searchParams.get('to') ?? searchParams.get('until')]
    if (from === null || to === null || !/T.*Z$/.test(from) || !/T.*Z$/.test(to) || from < to) return path
  }
}
