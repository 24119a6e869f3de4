/** Lines, flows and queues, as `pforte.yaml` defines them and as they stand. */
import { type Api, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { List, ref } from '../schemas/common.ts'
import { FlowPicture, Line, Queue } from '../schemas/service.ts'
import type { QueueRecord } from '../../app/ports/records.ts'

export function serviceRoutes(app: Api, { records, flows, now }: HttpOptions): void {
  const tags = ['service']

  app.get(
    '/v1/lines',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'The lines and their numbers', response: { 200: List(ref(Line)), ...problems } },
    },
    async () => ({
      items: await records.lines(),
      next: null,
    }),
  )

  app.get(
    '/v1/queues',
    { config: { scope: 'read' }, schema: { tags, summary: 'Who waits where', response: { 200: List(ref(Queue)), ...problems } } },
    async () => {
      const queues = await records.queues(now())
      return { items: queues.map(showQueue), next: null }
    },
  )

  app.get(
    '/v1/flows',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'The call flows, as Mermaid text and as pictures', response: { 200: List(ref(FlowPicture)), ...problems } },
    },
    async () => ({ items: [...flows()], next: null }),
  )
}

export function showQueue(queue: QueueRecord) {
  return { ...queue, waiting: queue.waiting.map((call) => ({ ...call, sinceAt: isoTime(call.sinceAt) })) }
}
