import { type Static, Type } from 'typebox'
import { type Api, problems } from '../api.ts'
import { instantOf, isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { valueOf } from '../problem.ts'
import { ref } from '../schemas/common.ts'
import { Announcement, AnnouncementOrder } from '../schemas/service.ts'
import type * as Records from '../../app/ports/store.ts'

type Order = Static<typeof AnnouncementOrder>

const NameParam = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, description: 'A name from announcements in pforte.yaml' }),
})

/** Special announcements: an outage that callers should hear of ahead of everything else. */
export function announcementRoutes(app: Api, { announce, renderAhead, service }: HttpOptions): void {
  const textOf = ({ text = {} }: Order) => (typeof text === 'string' ? { [service().language]: text } : text)
  app.put(
    '/v1/announcements/:name',
    {
      config: { scope: 'admin', beforeWrite: async ({ body }) => renderAhead?.(textOf(body as Order)) },
      schema: {
        tags: ['service'],
        summary: 'Switch a special announcement on or off',
        description: 'The text is spoken and kept before the answer comes, so the next caller hears it.',
        params: NameParam,
        body: AnnouncementOrder,
        response: { 200: ref(Announcement), ...problems },
      },
    },
    async (request) => {
      const { on, endsAt = null } = request.body
      const announcement = valueOf(
        await announce(request.params.name, {
          on,
          text: textOf(request.body),
          endsAt: endsAt === null ? null : instantOf(endsAt),
        }),
      )
      return showAnnouncement(announcement)
    },
  )
}

/** Without what its texts were rendered to. */
export function showAnnouncement({ name, on, text, endsAt }: Records.Announcement) {
  return { name, on, text, endsAt: isoTime(endsAt) }
}
