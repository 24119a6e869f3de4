/**
 * Keeps each key to its share of requests, and whoever tries keys out to a few
 * tries. Counted in this process, by the minute.
 */
import assert from 'node:assert/strict'
import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import type { Api } from './api.ts'
import { ProblemError } from './problem.ts'

const WINDOW_MS = 60_000
/** Keys that are counted at a time; the longest unseen is forgotten first. */
const MOST_KEYS = 10_000
/** Nobody mistypes a key more often, and 256 bits are not found in a million times as many tries. */
const USUAL_REFUSALS_PER_MINUTE = 60

/** How often an address (of IPv6: its /64) came without a key that is good. */
export type Refusals = {
  /** Counts one. @throws ProblemError 429 where that was one too many */
  count(request: FastifyRequest): Promise<void>
  /** @throws ProblemError 429 where there were too many already */
  check(request: FastifyRequest): Promise<void>
}

export async function prepareLimits(app: Api, refusalsPerMinute = USUAL_REFUSALS_PER_MINUTE): Promise<Refusals> {
  await app.register(rateLimit, { global: false, timeWindow: WINDOW_MS, enableDraftSpec: true })
  const refused = app.createRateLimit({ max: refusalsPerMinute })
  const ask = async (request: FastifyRequest, increment: boolean) => {
    const counted = await refused(request, { increment })
    assert(!counted.isAllowed, 'no address is exempt')
    return counted
  }
  return {
    async count(request) {
      const { isExceeded, ttlInSeconds } = await ask(request, true)
      if (isExceeded) throw tooManyRefusals(ttlInSeconds)
    },
    async check(request) {
      const { remaining, ttlInSeconds } = await ask(request, false)
      if (remaining === 0) throw tooManyRefusals(ttlInSeconds)
    },
  }
}

function tooManyRefusals(seconds: number): ProblemError {
  const detail = 'Too many requests without a good API key came from this address. Wait a while, and come back with the right one.'
  return new ProblemError(429, 'rate_limited', detail, { headers: { 'retry-after': String(seconds) } })
}

/** Every answer to a key with a limit says how much of it is left (draft-ietf-httpapi-ratelimit-headers-07, RateLimit-…). */
export function limitKeys(app: Api): void {
  const limit = app.rateLimit({
    cache: MOST_KEYS,
    keyGenerator: ({ who }) => who.keyId,
    max: ({ who }) => who.requestsPerMinute ?? Number.POSITIVE_INFINITY,
    errorResponseBuilder: ({ who }, { max, ttl }) =>
      new ProblemError(
        429,
        'rate_limited',
        `The key "${who.name}" may ask ${max} times a minute. Try again in ${Math.ceil(ttl / 1000)} seconds.`,
      ),
  })
  app.addHook('onRequest', async function (request, reply) {
    if (request.who.requestsPerMinute !== null) await limit.call(this, request, reply)
  })
}
