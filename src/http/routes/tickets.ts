import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { byteRange } from '../byte-range.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { callerFilter, requireE164 } from '../phone-number.ts'
import { invalidField, notFound, ProblemError, valueOf } from '../problem.ts'
import { IdParam, List, ListQuery, ref, Uuid } from '../schemas/common.ts'
import { NewTicket, Ticket, TicketChange, TicketStatus } from '../schemas/tickets.ts'
import type * as Records from '../../app/ports/records.ts'

const TicketQuery = ListQuery({
  status: Type.Optional(TicketStatus),
  caller: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  customerId: Type.Optional(Uuid('a customer')),
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
          "to the caller if that number can take one, else to the customer's first mobile number.",
        body: NewTicket,
        response: { 201: ref(Ticket), ...problems },
      },
    },
    async (request, reply) => {
      const { subject, caller, customerId = null, status = 'received' } = request.body
      if (caller === undefined && customerId === null) throw invalidField('body', 'caller', 'is missing, or customerId in its place')
      const number = caller === undefined ? null : requireE164(caller, service().country, 'body', 'caller')
      const ticket = valueOf(await records.createTicket({ subject: subject.trim(), caller: number, customerId, status }, now()))
      return reply.code(201).header('location', `/v1/tickets/${ticket.id}`).send(showTicket(ticket))
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
          'A change that changes nothing does nothing.',
        params: IdParam('a ticket'),
        body: TicketChange,
        response: { 200: ref(Ticket), ...problems },
      },
    },
    async (request) => {
      const { status, subject, version } = request.body
      const change = given({ status, subject: subject?.trim(), version })
      return showTicket(valueOf(await records.changeTicket(request.params.id, change, now())))
    },
  )

  app.get(
    '/v1/tickets',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Tickets, newest first', querystring: TicketQuery, response: { 200: List(ref(Ticket)), ...problems } },
    },
    async (request) => {
      const { status, caller, customerId } = request.query
      const sought = caller === undefined ? undefined : callerFilter(caller, service().country)
      const filter = { ...given({ status, caller: sought, customerId }), ...timeRange(request.query) }
      const page = await records.tickets(filter, pageOf(request.query))
      return { items: page.items.map(showTicket), next: page.next }
    },
  )

  app.get(
    '/v1/tickets/:id',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'A ticket', params: IdParam('a ticket'), response: { 200: ref(Ticket), ...problems } },
    },
    async (request) => {
      const ticket = await records.ticket(request.params.id)
      if (ticket === null) throw notFound('ticket')
      return showTicket(ticket)
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

export function showTicket(ticket: Records.Ticket) {
  return { ...ticket, createdAt: isoTime(ticket.createdAt), updatedAt: isoTime(ticket.updatedAt) }
}
