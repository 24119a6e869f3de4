/** A running HTTP edge over a real store, for stories told through real requests. */
import { Writable } from 'node:stream'
import pino from 'pino'
import { Registry } from 'prom-client'
import type { Pool } from 'pg'
import type { Test } from 'tap'
import { LiveHub, type LiveHubDeps } from '../../src/app/live/hub.ts'
import { writeChange } from '../../src/http/live/show.ts'
import type { HttpOptions, Parts } from '../../src/http/options.ts'
import { type Http, openHttp } from '../../src/http/open.ts'
import { consolePages } from '../../src/console/pages.ts'
import { drawFlow } from '../../src/console/draw-flow.ts'
import { refusalOf } from '../../src/webhooks/address.ts'
import { toMermaid } from '../../src/domain/call/mermaid.ts'
import type { Store } from '../../src/store/open.ts'
import { testStore } from '../support/postgres.ts'
import { definitions, hotlineFlow } from './the-service.ts'

export const KEY = 'a key for the tests'.replaceAll(' ', '-')

export const READY: Parts = {
  postgres: { ok: true, detail: 'answers' },
  asterisk: { ok: true, detail: 'connected' },
  smsc: { ok: true, detail: 'bound' },
}

export type Answer = { status: number; headers: Headers; body: any }

export type Running = {
  url: string
  routes: Http['routes']
  /** `url` is its database's. */
  store: Awaited<ReturnType<typeof testStore>>
  query: Pool['query']
  /** With the key and, for an object, as JSON. A string or a Buffer is sent as it stands. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** All that was logged, at the finest level. */
  logged(): string
  close(): Promise<void>
}

/**
 * @param databaseUrl a Postgres of the test's own; otherwise a fresh database on the shared one
 * @param live of the hub that tells those who watch
 */
export async function runHttp(
  t: Test,
  changes: Partial<HttpOptions> = {},
  databaseUrl?: string,
  live: (store: Store) => Partial<LiveHubDeps> = () => ({}),
): Promise<Running> {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const log = pino({ level: 'trace' }, sink)
  const store = await testStore(t, databaseUrl === undefined ? {} : { databaseUrl })
  await store.calls.syncDefinitions(definitions, Date.now())
  const http = await openHttp({
    host: '127.0.0.1',
    port: 0,
    apiKey: KEY,
    apiKeys: store.apiKeys,
    // Whole tables of wrong keys come from one address here.
    refusalsPerMinute: 1_000_000,
    records: store.records,
    writing: store.writing,
    webhooks: store.webhooks,
    webhookRefusal: (url) => refusalOf(url, true),
    live: new LiveHub({ store: store.live, write: writeChange, log, now: Date.now, ...live(store) }),
    prompts: { get: () => null },
    announce: async (name, { on, text, endsAt }) => store.records.putAnnouncement({ name, on, text, prompts: {}, endsAt }, Date.now()),
    parts: async () => READY,
    metrics: new Registry(),
    flows: () => [{ name: hotlineFlow.name, mermaid: toMermaid(hotlineFlow), svg: drawFlow(hotlineFlow) }],
    service: () => ({ country: 'DE', language: 'de', timeZone: 'Europe/Berlin', queue: 'service', hours: ['business'] }),
    pages: consolePages(),
    log,
    now: Date.now,
    ...changes,
  })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= http.close())
  t.teardown(close)
  return {
    url: http.url,
    routes: http.routes,
    store,
    query: store.query,
    ask: (method, path, body, headers = {}) => ask(http.url, method, path, body, { authorization: `Bearer ${KEY}`, ...headers }),
    logged: () => lines.join(''),
    close,
  }
}

async function ask(url: string, method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  })
  const type = response.headers.get('content-type') ?? ''
  if (type.startsWith('text/event-stream')) {
    // It has no end to wait for.
    await response.body?.cancel()
    return { status: response.status, headers: response.headers, body: null }
  }
  const bytes = Buffer.from(await response.arrayBuffer())
  const content = type.includes('json') ? JSON.parse(bytes.toString()) : type.startsWith('text/') ? bytes.toString() : bytes
  return { status: response.status, headers: response.headers, body: content }
}
