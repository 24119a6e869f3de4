/**
 * Every route, written down as it is registered, with the scopes that open it.
 * One that is neither public by name nor says which scope it needs is refused
 * at the start, so that no new route can be open by oversight.
 */
import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import { listed, type Scope } from './scopes.ts'

/**
 * Routes that need no key. `/prompts` is for Asterisk, which cannot send one (see `routes/prompts.ts`); health and metrics
 * are for whoever watches, which often cannot either, and speak of nobody.
 */
const PUBLIC_ROUTES = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/prompts/:hash(^[A-Za-z0-9_-]+).wav']
/** The same document for people: a page and its many files. */
const PUBLIC_PAGES = /^\/docs(\/|$)/

/** `scopes`: one of them is enough; null for a route that needs no key. */
export type Route = { method: string; url: string; scopes: readonly Scope[] | null }

export type RouteTable = {
  readonly routes: readonly Route[]
  isPublic(url: string): boolean
  /** Methods that some route has at this path. */
  methodsAt(path: string): string[]
}

/** @param pages paths of the console's files, public too: they hold nothing but the page itself. */
export function keepRouteTable(app: FastifyInstance, pages: readonly string[]): RouteTable {
  const open = new Set([...PUBLIC_ROUTES, ...pages])
  const isPublic = (url: string): boolean => open.has(url) || PUBLIC_PAGES.test(url)
  const routes: (Route & { pattern: RegExp })[] = []
  app.addHook('onRoute', (route) => {
    const { url } = route
    const scopes = isPublic(url) ? null : listed(route.config?.scope)
    assert(scopes?.length !== 0, `${route.method} ${url} names no scope: give it one in its config, or a place among the public routes`)
    for (const method of [route.method].flat()) routes.push({ method, url, scopes, pattern: patternOf(url) })
    // Of several requirements one is enough; the list of each names roles (OpenAPI 3.1, "Security Requirement Object").
    route.schema = { ...route.schema, security: (scopes ?? []).map((scope) => ({ key: [scope] })) }
  })
  return {
    routes,
    isPublic,
    methodsAt: (path) => [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))],
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
