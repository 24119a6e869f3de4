/** What is kept about people: that it goes in time. */
import { type Api, pageOf, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { Input, List, PageQuery, ref } from '../schemas/common.ts'
import { RetentionRun } from '../schemas/privacy.ts'
import type * as Retention from '../../app/ports/retention.ts'

/** The same words as in pforte.yaml. */
const kindNames: Record<Retention.RetentionKind, string> = {
  recordings: 'recordings',
  messageTexts: 'message_texts',
  numbers: 'numbers',
  tickets: 'tickets',
  events: 'events',
  webhooks: 'webhooks',
  audit: 'audit',
}

export function privacyRoutes(app: Api, { records }: HttpOptions): void {
  const tags = ['privacy']

  app.get(
    '/v1/retention',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'What was taken away, night by night',
        description: 'How long what is kept stands under `retention` in pforte.yaml. Newest first.',
        querystring: Input(PageQuery),
        response: { 200: List(ref(RetentionRun)), ...problems },
      },
    },
    async (request) => {
      const { items, next } = await records.retentionRuns(pageOf(request.query))
      return { items: items.map(showRun), next }
    },
  )
}

function showRun({ kinds, ...run }: Retention.RetentionRun) {
  return {
    ...run,
    startedAt: isoTime(run.startedAt),
    endedAt: isoTime(run.endedAt),
    kinds: kinds.map((one) => ({ ...one, kind: kindNames[one.kind], before: isoTime(one.before) })),
  }
}
