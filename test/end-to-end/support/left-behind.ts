/** What is still there of a call, or of all: asked of Asterisk, the API and the tables. Empty: nothing is. */
import { ari as askAsterisk } from '../../support/ari.ts'
import type { TestPforte } from '../../support/pforte.ts'

type Part = Record<string, any>

export async function leftOf(pforte: TestPforte, callId: string | null): Promise<string[]> {
  const [channels, bridges, reserved, places, legs] = await Promise.all([
    ari(pforte, 'channels'),
    ari(pforte, 'bridges'),
    query(
      pforte,
      `SELECT id || ' is ' || state AS what, call_id FROM agents WHERE call_id IS NOT NULL OR state IN ('reserved', 'ringing', 'talking')`,
    ),
    query(pforte, `SELECT 'a place in ' || queue || ' as ' || state AS what, call_id FROM queue_entries WHERE state <> 'left'`),
    query(pforte, `SELECT leg AS what, id AS call_id FROM calls`),
  ])
  const isOf = (id: string): boolean =>
    callId === null || id.startsWith(callId) || legs.some((one) => one.call_id === callId && one.what === id)
  return [
    ...channels.filter(({ id }) => isOf(id)).map(({ id, name, state }) => `channel ${name} (${id}, ${state})`),
    ...bridges.filter(({ id }) => isOf(id)).map(({ id }) => `bridge ${id}`),
    ...[...reserved, ...places].filter(({ call_id }) => isOf(call_id)).map(({ what }) => what),
  ]
}

export async function ari(pforte: TestPforte, what: 'channels' | 'bridges' | 'recordings/stored'): Promise<Part[]> {
  const response = await askAsterisk(pforte.environment['PFORTE_HOME']!, what)
  if (!response.ok) throw new Error(`Asterisk answered ${response.status}`)
  return (await response.json()) as Part[]
}

async function query(pforte: TestPforte, text: string): Promise<{ what: string; call_id: string }[]> {
  return (await pforte.db.query<{ what: string; call_id: string }>(text)).rows
}
