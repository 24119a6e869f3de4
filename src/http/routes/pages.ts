/** The console's files. They hold no data: the page asks for the key and then for `/v1`. */
import type { Api } from '../api.ts'
import type { HttpOptions } from '../options.ts'

/** Nothing from elsewhere, nothing inline; `blob:` is how a voicemail gets into the player past the key. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  'media-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function pageRoutes(app: Api, { pages }: HttpOptions): void {
  for (const path of pages.paths) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      const file = pages.file(path)
      if (file === null) return reply.callNotFound()
      return reply.header('content-security-policy', POLICY).header('cache-control', 'no-cache').type(file.contentType).send(file.body)
    })
  }
}
