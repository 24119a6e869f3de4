import { Type } from 'typebox'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { FORMATS, instantOf, isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { callerFilter } from '../phone-number.ts'
import { invalidField, notFound } from '../problem.ts'
import { IdParam, Input, List, PageQuery, ref, Time, Uuid } from '../schemas/common.ts'
import { Message, MessageState } from '../schemas/messages.ts'
import type { MessageRecord, MessageRecordState } from '../../app/ports/records.ts'

const NumberOrTime = (field: string, time: string) =>
  Type.String({
    minLength: 1,
    maxLength: 64,
    description: `\`${field}\` of the message. A time is taken as in other lists, like \`${time}\``,
  })

const MessageQuery = Input({
  ticketId: Type.Optional(Uuid('a ticket')),
  customerId: Type.Optional(Uuid('a customer')),
  to: Type.Optional(NumberOrTime('to', 'until')),
  from: Type.Optional(NumberOrTime('from', 'since')),
  direction: Type.Optional(Type.Enum(['out', 'in'])),
  state: Type.Optional(MessageState),
  template: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  since: Type.Optional(Time),
  until: Type.Optional(Time),
  ...PageQuery,
})

/** SMS of both directions. */
export function messageRoutes(app: Api, { records, service }: HttpOptions): void {
  const tags = ['messages']

  app.get(
    '/v1/messages',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Messages, newest first', querystring: MessageQuery, response: { 200: List(ref(Message)), ...problems } },
    },
    async (request) => {
      const { ticketId, customerId, direction, state, template } = request.query
      const { country } = service()
      const [to, until] = numberOrTime(request.query, 'to', 'until')
      const [from, since] = numberOrTime(request.query, 'from', 'since')
      const range = timeRange(given({ from: since, to: until }))
      const filter = {
        ...given({ ticketId, customerId, direction, template, state: state as MessageRecordState | undefined }),
        ...given({ to: to && addressFilter(to, country), from: from && addressFilter(from, country) }),
        ...given({ since: range.from, until: range.to }),
      }
      const page = await records.messages(filter, pageOf(request.query))
      return { items: page.items.map(showMessage), next: page.next }
    },
  )

  app.get(
    '/v1/messages/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A message: how it stands, and why, step by step',
        params: IdParam('a message'),
        response: { 200: ref(Message), ...problems },
      },
    },
    async (request) => {
      const message = await records.message(request.params.id)
      if (message === null) throw notFound('message')
      return showMessage(message)
    },
  )
}

type Query = { to?: string; from?: string; since?: string; until?: string }

/**
 * A message has the fields `from` and `to`, which in every other list are times. No number and no sender (11 letters at most)
 * looks like a time, so what is meant shows from the value.
 */
function numberOrTime(query: Query, field: 'to' | 'from', time: 'since' | 'until'): [number: string | undefined, time: string | undefined] {
  const value = query[field]
  if (value === undefined || !/^\d{4}-?\d\d-?\d\d[T ]/.test(value)) return [value, query[time]]
  if (instantOf(value) === null) throw invalidField('query', field, FORMATS['date-time']!.wanted)
  if (query[time] !== undefined) throw invalidField('query', field, `is a time here, and so is ${time}: give one of them`)
  return [undefined, value]
}

/** A short code stands as it is: read as a number of the country it would be another one. */
const addressFilter = (text: string, country: string): string => (/^\d{3,8}$/.test(text) ? text : callerFilter(text, country))

export function showMessage(message: MessageRecord) {
  return {
    ...message,
    trace: message.trace.map((step) => ({ ...step, at: isoTime(step.at) })),
    createdAt: isoTime(message.createdAt),
  }
}
