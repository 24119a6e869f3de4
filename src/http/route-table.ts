/**
 * Every route, written down as it is registered. Authentication reads the list
 * of public ones here, and everything else needs the key: a new route is
 * closed until somebody opens it by name.
 */
import type { FastifyInstance } from 'fastify'

/**
 * Routes that need no key. `/prompts` is for Asterisk, which cannot send one (see `routes/prompts.ts`); health and metrics
 * are for whoever watches, which often cannot either, and speak of nobody.
 */
const PUBLIC_ROUTES = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/prompts/:hash(^[A-Za-z0-9_-]+).wav']

export type RouteTable = {
  isPublic(url: string): boolean
  /** Methods that some route has at this path. */
  methodsAt(path: string): string[]
}

/** @param pages paths of the console's files, public too: they hold nothing but the page itself. */
export function keepRouteTable(app: FastifyInstance, pages: readonly string[]): RouteTable {
  const open = new Set([...PUBLIC_ROUTES, ...pages])
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', (route) => {
    routes.push({ pattern: patternOf(route.url), methods: [route.method].flat() })
    if (open.has(route.url)) route.schema = { ...route.schema, security: [] }
  })
  return {
    isPublic: (url) => open.has(url),
    methodsAt: (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))],
  }
}

/** The same pattern as the router's: `:id` is one segment, `:hash(^…)` what its brackets say. */
function patternOf(url: string): RegExp {
  const source = url.split(/(:\w+(?:\(\^?[^)]*\))?)/).map((piece, index) => {
    if (index % 2 === 0) return piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    return /\(\^?([^)]*)\)/.exec(piece)?.[1] ?? '[^/]+'
  })
  return new RegExp(`^${source.join('')}$`)
}
