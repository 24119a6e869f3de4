import { type Api, pageOf, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { notFound, valueOf } from '../problem.ts'
import { IdParam, Input, List, PageQuery, ref } from '../schemas/common.ts'
import { Comment, NewComment } from '../schemas/tickets.ts'
import type { TicketComment } from '../../app/ports/records.ts'

/** What is said about a ticket; its customer's replies to SMS are among it. */
export function commentRoutes(app: Api, { records, now }: HttpOptions): void {
  const tags = ['tickets']

  app.post(
    '/v1/tickets/:id/comments',
    {
      config: { scope: 'tickets' },
      schema: {
        tags,
        summary: 'Say something about a ticket',
        description: 'Nobody is told of it by SMS, and the ticket keeps its version.',
        params: IdParam('a ticket'),
        body: NewComment,
        response: { 201: ref(Comment), ...problems },
      },
    },
    async (request, reply) => {
      const { text, author = 'api' } = request.body
      const comment = valueOf(await records.comment(request.params.id, { author: author.trim(), text }, now()))
      return reply.code(201).send(showComment(comment))
    },
  )

  app.get(
    '/v1/tickets/:id/comments',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What was said about a ticket, newest first',
        params: IdParam('a ticket'),
        querystring: Input({ ...PageQuery }),
        response: { 200: List(ref(Comment)), ...problems },
      },
    },
    async (request) => {
      const page = await records.comments(request.params.id, pageOf(request.query))
      if (page === null) throw notFound('ticket')
      return { items: page.items.map(showComment), next: page.next }
    },
  )
}

function showComment(comment: TicketComment) {
  return { ...comment, createdAt: isoTime(comment.createdAt) }
}
