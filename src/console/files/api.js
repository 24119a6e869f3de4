/** Talks to `/v1` with the key that this tab was given. */

const KEY = 'pforte.key'

export class Refused extends Error {}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  keep: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
}

async function ask(path) {
  const response = await fetch(path, { headers: { authorization: `Bearer ${key.get()}` } })
  if (response.status === 401) throw new Refused()
  if (response.ok) return response
  const problem = await response.json().catch(() => null)
  throw new Error(problem?.detail ?? `Pforte answered ${response.status}.`)
}

export const list = async (path) => (await (await ask(path)).json()).items

/** The recording as an address for a player, which cannot send the key itself. Give it back with `URL.revokeObjectURL`. */
export const recording = async (ticketId) => URL.createObjectURL(await (await ask(`/v1/tickets/${ticketId}/voicemail`)).blob())

/** Needs no key; answers while not ready too. */
export const readiness = async () => (await fetch('/readyz')).json()
