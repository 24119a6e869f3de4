/** One hook asks for the API key, on every route that `route-table.ts` does not name as public. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem.ts'
import { pathOf } from './errors.ts'
import type { RouteTable } from './route-table.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Whoever has no key learns nothing about `/v1`, not even which addresses it
 * has: unknown ones there answer 401 as well.
 */
export function requireKey(app: FastifyInstance, table: RouteTable, apiKey: string): void {
  // Digests are compared, because timingSafeEqual needs equal lengths and the key's length is nobody's business.
  const expected = digest(apiKey)
  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url
    const open = route === undefined ? !/^\/v1(\/|$)/.test(pathOf(request)) : table.isPublic(route)
    if (open) return
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return
    const detail =
      given === undefined
        ? 'Send the API key in the header Authorization: Bearer <key>. PFORTE_HOME/api-key holds it, unless PFORTE_API_KEY is set.'
        : 'This API key is not valid.'
    throw new ProblemError(401, 'unauthorized', detail, { headers: { 'www-authenticate': 'Bearer realm="Pforte"' } })
  })
}
