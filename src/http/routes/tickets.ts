import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { byteRange } from '../byte-range.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { callerFilter } from '../phone-number.ts'
import { notFound, ProblemError } from '../problem.ts'
import { IdParam, List, ListQuery, ref, Uuid } from '../schemas/common.ts'
import { Ticket, TicketStatus } from '../schemas/tickets.ts'
import type * as Records from '../../app/ports/records.ts'

const TicketQuery = ListQuery({
  status: Type.Optional(TicketStatus),
  caller: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  customerId: Type.Optional(Uuid('a customer')),
})

const Sound = Type.Any({ description: 'The recording' })

/** Tickets, and the voicemails that most of them begin with. */
export function ticketRoutes(app: Api, { records, service }: HttpOptions): void {
  const tags = ['tickets']

  app.get(
    '/v1/tickets',
    { schema: { tags, summary: 'Tickets, newest first', querystring: TicketQuery, response: { 200: List(ref(Ticket)), ...problems } } },
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
    { schema: { tags, summary: 'A ticket', params: IdParam('a ticket'), response: { 200: ref(Ticket), ...problems } } },
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

function showTicket(ticket: Records.Ticket) {
  return { ...ticket, createdAt: isoTime(ticket.createdAt), updatedAt: isoTime(ticket.updatedAt) }
}
