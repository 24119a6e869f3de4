import type { Ticket as TicketRecord } from '../../app/ports/records.ts'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { byteRange } from '../byte-range.ts'
import { changeMatching, etagOf, IfMatch, IfNoneMatch, isStillTheSame, notModified } from '../etag.ts'
import { instantOf } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { callerFilter, requireE164 } from '../phone-number.ts'
import { invalidField, notFound, ProblemError, valueOf } from '../problem.ts'
import { IdParam, List, ListQuery, Name, ref, Uuid } from '../schemas/common.ts'
import { Merge, NewTicket, Ticket, TicketChange, TicketStatus } from '../schemas/tickets.ts'
import { showTicket } from '../../app/tickets/ticket-json.ts'
import { isTicketNumber } from '../../domain/ticket/number.ts'

const TicketQuery = ListQuery({
  status: Type.Optional(TicketStatus),
  caller: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  customerId: Type.Optional(Uuid('a customer')),
  number: Type.Optional(
    Type.String({ minLength: 1, maxLength: 40, description: 'As it was read out: spaces, dots and dashes do not matter' }),
  ),
  queue: Type.Optional({ ...Name, description: "Of the ticket's contract, as it was when the ticket was made" }),
  fault: Type.Optional(Type.Boolean()),
  overdue: Type.Optional(Type.Boolean({ description: 'The time that its contract promised has run out' })),
  mergedInto: Type.Optional({ ...Uuid('a ticket'), description: 'Those that were merged into this one, with their voicemails' }),
})

const Sound = Type.Any({ description: 'The recording' })

/** Tickets, and the voicemails that most of them begin with. */
export function ticketRoutes(app: Api, { records, service, now }: HttpOptions): void {
  const tags = ['tickets']

  app.post(
    '/v1/tickets',
    {
      config: { scope: 'tickets' },
      schema: {
        tags,
        summary: 'Make a ticket',
        description:
          'Names its caller, its customer or both. The status that it enters (`received` where none is given) is told by SMS, ' +
          "to the caller if that number can take one, else to the customer's first mobile number. " +
          'The customer is the one who is named, or whose contract is, or who has the caller’s number.',
        body: NewTicket,
        response: { 201: ref(Ticket), ...problems },
      },
    },
    async (request, reply) => {
      const { subject, caller, customerId = null, contractId = null, status = 'received', fault } = request.body
      if (caller === undefined && customerId === null && contractId === null)
        throw invalidField('body', 'caller', 'is missing, or customerId or contractId in its place')
      const number = caller === undefined ? null : requireE164(caller, service().country, 'body', 'caller')
      const about = { subject: subject.trim(), caller: number, customerId, contractId, status, ...given({ fault }) }
      const ticket = valueOf(await records.createTicket(about, now()))
      return reply.code(201).header('location', `/v1/tickets/${ticket.id}`).header('etag', etagOf(ticket.version)).send(showTicket(ticket))
    },
  )

  app.patch(
    '/v1/tickets/:id',
    {
      config: { scope: 'tickets' },
      schema: {
        tags,
        summary: 'Change a ticket',
        description:
          'received → in_progress → completed, and back to in_progress (reopened). Each entered status is told by SMS. ' +
          'A change that changes nothing does nothing. `slaPaused` stops the clock of the promise while the ticket waits for the customer.',
        params: IdParam('a ticket'),
        headers: IfMatch,
        body: TicketChange,
        response: { 200: ref(Ticket), ...problems },
      },
    },
    async (request, reply) => {
      const { subject, pausedReason, noticeSentAt, ...rest } = request.body
      const at = now()
      const noticeAt = noticeSentAt == null ? noticeSentAt : instantOf(noticeSentAt)
      if (noticeAt != null && noticeAt > at) throw invalidField('body', 'noticeSentAt', 'lies ahead')
      const change = given({ ...rest, subject: subject?.trim(), pausedReason: pausedReason?.trim(), noticeSentAt: noticeAt })
      const { id } = request.params
      const ticket = await changeMatching(
        request.headers['if-match'],
        reply,
        () => records.ticket(id, at),
        (version) => records.changeTicket(id, { ...given({ version }), ...change }, at),
      )
      return showTicket(ticket)
    },
  )

  app.post(
    '/v1/tickets/:id/merge',
    {
      config: { scope: 'tickets' },
      schema: {
        tags,
        summary: 'Merge a ticket into another about the same thing',
        description:
          'It is completed without an SMS, its comments move to the other, and what its customer writes from now on is about the ' +
          'other. Its voicemail stays with it (`GET /v1/tickets?mergedInto=…`). The legal clock of a fault goes by the first report.',
        params: IdParam('the ticket that ends'),
        headers: IfMatch,
        body: Merge,
        response: { 200: ref(Ticket), ...problems },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const at = now()
      const ticket = await changeMatching(
        request.headers['if-match'],
        reply,
        () => records.ticket(id, at),
        (version) => records.mergeTicket(id, request.body.into, version, at),
      )
      return showTicket(ticket)
    },
  )

  app.get(
    '/v1/tickets',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Tickets, newest first', querystring: TicketQuery, response: { 200: List(ref(Ticket)), ...problems } },
    },
    async (request) => {
      const { status, caller, customerId, number, queue, fault, overdue, mergedInto } = request.query
      const sought = caller === undefined ? undefined : callerFilter(caller, service().country)
      const digits = number === undefined ? undefined : ticketDigits(number)
      const filter = {
        ...given({ status, caller: sought, customerId, number: digits, queue, fault, overdue, mergedInto }),
        ...timeRange(request.query),
      }
      const page = await records.tickets(filter, pageOf(request.query), now())
      return { items: page.items.map(showTicket), next: page.next }
    },
  )

  app.get(
    '/v1/tickets/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A ticket',
        params: IdParam('a ticket'),
        headers: IfNoneMatch,
        response: { 200: ref(Ticket), 304: Type.Null({ description: 'It is what you have already' }), ...problems },
      },
    },
    async (request, reply) => {
      const ticket = await records.ticket(request.params.id, now())
      if (ticket === null) throw notFound('ticket')
      const isKnown = isStillTheSame(request.headers['if-none-match'], ticket.version, reply)
      return isKnown && standsStill(ticket) ? notModified(reply) : showTicket(ticket)
    },
  )

  app.route({
    // HEAD is written out, because Fastify's own would read the whole recording to throw it away.
    method: ['GET', 'HEAD'],
    url: '/v1/tickets/:id/voicemail',
    config: { scope: 'read' },
    schema: {
      tags,
      summary: "A ticket's recording",
      description: 'Takes single byte ranges (RFC 9110, section 14), so that a player can jump in it.',
      params: IdParam('a ticket'),
      response: {
        200: { description: 'The whole recording', content: { 'audio/wav': { schema: Sound } } },
        206: { description: 'The part that was asked for', content: { 'audio/wav': { schema: Sound } } },
        ...problems,
      },
    },
    handler: async (request, reply) => {
      const recording = await records.voicemail(request.params.id)
      if (recording === null) throw new ProblemError(404, 'not_found', 'There is no ticket with this id that has a voicemail.')
      const { size } = recording
      const range = byteRange(request.headers.range, size)
      if (range === 'unsatisfiable') {
        const detail = `The recording has ${size} bytes; the range begins after that.`
        throw new ProblemError(416, 'range_not_satisfiable', detail, { headers: { 'content-range': `bytes */${size}` } })
      }
      const { from, to } = range ?? { from: 0, to: size }
      if (range !== null) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`)
      reply
        .header('accept-ranges', 'bytes')
        .header('content-length', to - from)
        .type('audio/wav')
      // One piece at a time is read as the client takes it, so a long message costs no memory.
      return reply.send(request.method === 'HEAD' ? null : Readable.from(recording.read(from, to), { objectMode: false, highWaterMark: 1 }))
    },
  })
}

/** Its version tells of every change, but not of what comes with time alone: clocks that run, a recording that goes. */
function standsStill({ sla, legal, voicemail }: TicketRecord): boolean {
  return sla === null && legal === null && voicemail === null
}

function ticketDigits(said: string): string {
  if (!isTicketNumber(said))
    throw invalidField('query', 'number', 'is no ticket number: a digit is wrong or missing (the last one checks the others)')
  return said.replace(/\D/g, '')
}
