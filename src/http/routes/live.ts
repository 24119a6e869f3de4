import { Type } from 'typebox'
import { LIVE_TYPES, type LiveType } from '../../app/live/events.ts'
import { type Api, problems } from '../api.ts'
import { wanted } from '../live/frames.ts'
import { LiveStream } from '../live/stream.ts'
import type { HttpOptions } from '../options.ts'
import { invalidField, ProblemError } from '../problem.ts'
import { Input } from '../schemas/common.ts'

const LONGEST_ID = 100
const RETRY_AFTER_SECONDS = 10

const LiveQuery = Input({
  types: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: `Of ${LIVE_TYPES.join(', ')}: those that are wanted, with commas; all where not given`,
    }),
  ),
  lastEventId: Type.Optional(
    Type.String({ minLength: 1, maxLength: LONGEST_ID, description: 'As the header Last-Event-ID, for whoever cannot send that' }),
  ),
})

/** What changes, as it changes. */
export function liveRoutes(app: Api, { live, apiKeys }: HttpOptions): void {
  app.get(
    '/v1/live',
    {
      config: { scope: 'read', isEndless: true },
      // An answer without an end has no head to ask for alone.
      exposeHeadRoute: false,
      schema: {
        tags: ['live'],
        summary: 'What changes, as it changes, as server-sent events',
        description:
          `Events are ${LIVE_TYPES.join(', ')}; their data is the ticket, call, message, queue, agent or announcement as its own route shows it. ` +
          'First come all queues, agents and announcements as they stand, then `ready`. With the header Last-Event-ID, what was missed ' +
          'comes in their place; or, if nobody can tell any more what that was, `reset`, and then all that stands.',
        querystring: LiveQuery,
        response: {
          200: { description: 'Does not end', content: { 'text/event-stream': { schema: Type.String() } } },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const want = wanted(typesOf(request.query.types))
      const after = lastSeen(request.headers['last-event-id'], request.query.lastEventId)
      if (live.isFull)
        throw new ProblemError(503, 'too_many_watch', 'As many watch as may. Try again later, or share one connection.', {
          headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
        })
      await live.ready(want.types)
      if (request.raw.socket.destroyed) return reply.hijack()
      const { raw: response } = reply.hijack()
      const { keyId } = request.who
      const stream = new LiveStream({
        response,
        wanted: want,
        onCut: () => request.log.info({ keyId }, 'somebody who watches reads too slowly, and was cut off'),
      })
      const leave = live.subscribe(stream, after)
      const forget = apiKeys.onEnd(keyId, () => {
        request.log.info({ keyId }, 'the key of somebody who watches is no longer good')
        stream.end()
      })
      response.once('close', () => {
        leave()
        forget()
      })
    },
  )

  app.addHook('preClose', async () => live.close())
}

function typesOf(list: string | undefined): readonly LiveType[] {
  if (list === undefined) return LIVE_TYPES
  return list.split(',').map((name) => {
    const type = LIVE_TYPES.find((one) => one === name.trim())
    if (type === undefined) throw invalidField('query', 'types', `must be of ${LIVE_TYPES.join(', ')}, with commas between them`)
    return type
  })
}

/** The header is what a browser sends when it comes back, and newer than the address that it comes back to. One that is none is of nobody's stream. */
function lastSeen(header: string | string[] | undefined, query: string | undefined): string | null {
  const id = typeof header === 'string' && header !== '' ? header : (query ?? null)
  return id === null ? null : id.slice(0, LONGEST_ID)
}
