/** Where Asterisk is, and the plain HTTP questions that come before and beside its event socket. */
import { tlsFailure } from '../wire/tls-failure.ts'
import { ConnectFailure } from './connect-failure.ts'
import { HEEDED_EVENTS } from './ari-events.ts'
import { saidInBody } from './over-websocket.ts'

export type AriAccess = {
  /** Ends in a slash; `ari/…` goes behind it. */
  base: URL
  user: string
  password: string
  authorization: string
  app: string
  /** How long Asterisk may take to answer. */
  limitMs: number
}

/**
 * @param url `http://host:8088`, with or without `/ari` at its end
 * @throws ConnectFailure if that is no such address
 */
export function ariAccess(options: { url: string; user: string; password: string; app: string; limitMs: number }): AriAccess {
  const { user, password, app, limitMs } = options
  const base = URL.parse(`${options.url.replace(/\/+$/, '').replace(/\/ari$/, '')}/`)
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new ConnectFailure(
      'ARI_URL is no http or https address',
      'Set it to the address in Asterisk’s http.conf, like http://127.0.0.1:8088',
    )
  }
  base.username = base.password = base.search = base.hash = ''
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return { base, user, password, authorization, app, limitMs }
}

export function eventUrl({ base, app }: AriAccess): string {
  const url = new URL('ari/events', base)
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:'
  url.searchParams.set('app', app)
  return url.href
}

/**
 * Asks Asterisk for its version.
 *
 * @throws ConnectFailure for a refused password or a certificate that is not trusted; Error for what may pass (starting, unreachable)
 */
export async function askVersion(access: AriAccess): Promise<string> {
  const { base, user } = access
  const { status, text } = await ask(access, 'GET', 'ari/asterisk/info?only=system')
  if (status === 401) {
    throw new ConnectFailure(
      `the Asterisk at ${base.host} refuses the user ${user} or the password`,
      'Set ARI_USER and ARI_PASSWORD to what its ari.conf says',
    )
  }
  if (status !== 200)
    throw new Error(status === 503 ? 'Asterisk is still starting' : `Asterisk answers ${status} to ARI: is res_ari loaded and enabled?`)
  const info = JSON.parse(text) as { system?: { version?: string } }
  return info.system?.version ?? ''
}

/**
 * Tells Asterisk which events are worth sending. Over HTTP even where commands
 * ride the WebSocket: a filter that somebody else left on the application
 * could swallow the answer.
 *
 * @throws ConnectFailure for a user that may only read; Error for the rest
 */
export async function filterEvents(access: AriAccess): Promise<void> {
  const body = JSON.stringify({ allowed: HEEDED_EVENTS.map((type) => ({ type })) })
  const { status, text } = await ask(access, 'PUT', `ari/applications/${encodeURIComponent(access.app)}/eventFilter`, body)
  if (status === 401 || status === 403) {
    throw new ConnectFailure(`the ARI user ${access.user} may only read`, 'Set read_only = no for it in Asterisk’s ari.conf')
  }
  if (status !== 200) throw new Error(`Asterisk did not take the event filter: ${status} ${saidInBody(text) ?? ''}`)
}

async function ask(access: AriAccess, method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(new URL(path, access.base), {
      method,
      headers: { authorization: access.authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(access.limitMs),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    const tls = tlsFailure(error, 'ARI_URL')
    if (tls !== null) throw new ConnectFailure(`the Asterisk at ${access.base.host} ${tls.what}`, tls.mend)
    throw new Error(`Asterisk at ${access.base.host} cannot be reached: ${reasonOf(error)}`, { cause: error })
  }
}

/** `fetch` says "fetch failed" and keeps what failed in its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error) return ('code' in cause && typeof cause.code === 'string' ? cause.code : undefined) ?? cause.message
  return error.name === 'TimeoutError' ? 'it does not answer' : error.message
}
