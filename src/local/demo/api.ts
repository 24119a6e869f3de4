/** The HTTP API as the demo caller uses it: the same routes as everybody. */
import { PartFailure } from '../part-failure.ts'

export type CallSeen = {
  id: string
  outcome: string | null
  endedAt: string | null
  waitMs: number | null
  talkMs: number | null
  ticketId: string | null
  path: { step: string; outcome: string | null }[]
}
export type TicketSeen = { id: string; number: string; subject: string; status: string; voicemail: { durationMs: number } | null }
export type MessageSeen = { to: string; from: string; text: string; state: string; trace: { what: string; why: string }[] }

const LOOK_EVERY_MS = 100

export class DemoApi {
  readonly #url: string
  readonly #key: string

  constructor({ url, key }: { url: string; key: string }) {
    this.#url = url
    this.#key = key
  }

  /** @throws PartFailure, as all of these */
  async get<T>(path: string): Promise<T> {
    return this.#ask<T>('GET', path)
  }

  async put<T>(path: string): Promise<T> {
    return this.#ask<T>('PUT', path)
  }

  async delete(path: string): Promise<void> {
    await this.#ask('DELETE', path)
  }

  /** The newest call from this number that began at `since` (epoch ms) or later, once `good` says so; null after `withinMs`. */
  async callFrom(caller: string, since: number, good: (call: CallSeen) => boolean, withinMs: number): Promise<CallSeen | null> {
    const query = new URLSearchParams({ caller, from: new Date(since).toISOString() })
    const giveUpAt = performance.now() + withinMs
    for (;;) {
      const { items } = await this.get<{ items: CallSeen[] }>(`/v1/calls?${query}`)
      const call = items[0]
      if (call !== undefined && good(call)) return call
      if (performance.now() > giveUpAt) return null
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  /** The message about this ticket, once `good` says so; what there is of it after `withinMs`, or null. */
  async messageAbout(ticketId: string, good: (message: MessageSeen) => boolean, withinMs: number): Promise<MessageSeen | null> {
    const giveUpAt = performance.now() + withinMs
    for (;;) {
      const { items } = await this.get<{ items: MessageSeen[] }>(`/v1/messages?${new URLSearchParams({ ticketId })}`)
      const message = items[0]
      if (message !== undefined && good(message)) return message
      if (performance.now() > giveUpAt) return message ?? null
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  async #ask<T>(method: string, path: string): Promise<T> {
    const response = await fetch(this.#url + path, { method, headers: { authorization: `Bearer ${this.#key}` } }).catch(
      (error: unknown) => {
        throw new PartFailure({
          part: 'call',
          what: `Pforte does not answer at ${this.#url}`,
          mend: 'Look at its terminal, or at its log.',
          cause: error,
        })
      },
    )
    if (response.status === 401)
      throw new PartFailure({
        part: 'call',
        what: 'Pforte does not take this API key',
        mend: 'Set PFORTE_API_KEY as it was set for npm start, or leave it unset there and here.',
      })
    if (!response.ok)
      throw new PartFailure({
        part: 'call',
        what: `Pforte answered ${response.status} to ${method} ${path}`,
        mend: `${this.#url}/readyz says what it lacks; its log says more.`,
      })
    return (response.status === 204 ? undefined : await response.json()) as T
  }
}
