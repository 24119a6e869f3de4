/** One hook asks for the API key, on every route that `route-table.ts` does not name as public, and for its scope. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ApiKeys, KEY_FORM, type KeyHolder, SCOPES } from '../app/ports/api-keys.ts'
import { ProblemError } from './problem.ts'
import { pathOf } from './errors.ts'
import type { Refusals } from './rate-limit.ts'
import type { RouteTable } from './route-table.ts'
import { listed, mayUse } from './scopes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key came with it; `NOBODY` on routes that need none. */
    who: KeyHolder
  }
}

type Options = { apiKey: string; apiKeys: Pick<ApiKeys, 'judge' | 'isKnown'>; now(): number }

/** Whoever asks at a route that needs no key, sent with one or not. */
const NOBODY: KeyHolder = { keyId: 'none', name: 'nobody', scopes: [], requestsPerMinute: null }
/** Of the key in `PFORTE_API_KEY`, which is in no table, so that nobody can lock themselves out. */
const FIRST: KeyHolder = { keyId: 'first', name: 'first administrator', scopes: SCOPES, requestsPerMinute: null }

const digest = (text: string) => hash('sha256', text, 'buffer')

/**
 * Whoever has no key learns nothing about `/v1`, not even which addresses it
 * has: unknown ones there answer 401 as well.
 */
export function requireKey(app: FastifyInstance, table: RouteTable, refusals: Refusals, { apiKey, apiKeys, now }: Options): void {
  // Digests are compared, because timingSafeEqual needs equal lengths and the key's length is nobody's business.
  const first = digest(apiKey)
  app.decorateRequest('who')
  app.addHook('onRequest', async (request) => {
    const { url } = request.routeOptions
    const isOpen = url === undefined ? !/^\/v1(\/|$)/.test(pathOf(request)) : table.isPublic(url)
    request.who = isOpen ? NOBODY : await holderOf(request)
  })

  async function holderOf(request: FastifyRequest): Promise<KeyHolder> {
    const key = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    if (key === undefined) return refuse(request, WHY.missing)
    const given = digest(key)
    if (timingSafeEqual(given, first)) return FIRST
    if (!KEY_FORM.test(key)) return refuse(request, WHY.unknown)
    // Who tries keys out shall not keep Postgres busy with it, and nobody whose key was good before suffers from them.
    if (!apiKeys.isKnown(given)) await refusals.check(request)
    const judgement = await apiKeys.judge(given, now())
    return judgement.is === 'valid' ? judgement.holder : refuse(request, WHY[judgement.is])
  }

  async function refuse(request: FastifyRequest, why: string): Promise<never> {
    await refusals.count(request)
    throw new ProblemError(401, 'unauthorized', why, { headers: { 'www-authenticate': 'Bearer realm="Pforte"' } })
  }
}

/** After `requireKey`: whether the key may do what the route does. */
export function requireScope(app: FastifyInstance, table: RouteTable): void {
  app.addHook('onRequest', async ({ routeOptions: { url, config }, who }) => {
    if (url === undefined || table.isPublic(url)) return
    const scopes = listed(config.scope)
    if (!mayUse(who, scopes)) throw forbidden(who, scopes)
  })
}

const WHY = {
  missing:
    'Send the API key in the header Authorization: Bearer <key>. PFORTE_HOME/api-key holds the first one, unless PFORTE_API_KEY is set.',
  unknown: 'This API key is not valid.',
  expired: 'This API key has expired. An administrator makes a new one: POST /v1/keys, or npx pforte key create.',
  revoked: 'This API key was revoked. An administrator makes a new one: POST /v1/keys, or npx pforte key create.',
}

function forbidden({ name }: KeyHolder, scopes: readonly string[]): ProblemError {
  const wanted = [...scopes.filter((scope) => scope !== 'admin'), 'admin'].join(' or ')
  // RFC 6750, section 3.1: what the key lacks.
  const headers = { 'www-authenticate': `Bearer realm="Pforte", error="insufficient_scope", scope="${scopes.join(' ')}"` }
  return new ProblemError(403, 'forbidden', `The key "${name}" may not do this: it needs the scope ${wanted}.`, { headers })
}
