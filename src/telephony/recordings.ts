/**
 * A recording's file, streamed. ari-client would hold a whole message in
 * memory and take one that broke off for a complete one, so this is Node's own
 * `fetch`, on both transports: it knows from the Content-Length when something
 * is missing, and throws to whoever reads.
 */
import type { Outcome } from '../app/ports/telephony.ts'
import { reasonOf, type AriAccess } from './ari-access.ts'
import { failureOf } from './outcome.ts'

/** Between two pieces; longer than any disk takes. */
const IDLE_MS = 10_000

export async function fetchRecordingFile(access: AriAccess, name: string): Promise<Outcome<AsyncIterable<Uint8Array>>> {
  const url = new URL(`ari/recordings/stored/${encodeURIComponent(name)}/file`, access.base)
  const abort = new AbortController()
  const patience = setTimeout(() => abort.abort(), access.limitMs)
  try {
    const response = await fetch(url, { headers: { authorization: access.authorization }, signal: abort.signal })
    if (response.ok && response.body !== null) return { ok: true, value: pieces(response.body, abort) }
    await response.body?.cancel()
    return failureOf({ status: response.status, detail: response.statusText, body: undefined })
  } catch (error) {
    const why = abort.signal.aborted ? 'timeout' : 'unreachable'
    return { ok: false, why, detail: why === 'timeout' ? `the file did not come within ${access.limitMs} ms` : reasonOf(error) }
  } finally {
    clearTimeout(patience)
  }
}

/** Also lets the connection go when nobody reads, or the reader stops. */
function pieces(body: ReadableStream<Uint8Array>, abort: AbortController): AsyncIterable<Uint8Array> {
  const idle = setTimeout(() => abort.abort(new Error(`the recording stood still for ${IDLE_MS} ms`)), IDLE_MS)
  return (async function* () {
    try {
      for await (const piece of body) {
        idle.refresh()
        yield piece
      }
    } finally {
      clearTimeout(idle)
    }
  })()
}
