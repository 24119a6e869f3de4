import type { Payload } from '../../app/ports/webhooks.ts'

export function isoTime(at: number): string {
  return new Date(at).toISOString()
}

/** As Standard Webhooks recommends it: what happened, when, and the object as it was then. */
export function payloadOf(type: string, happenedAt: number, data: object): Payload {
  return { type, timestamp: isoTime(happenedAt), data }
}
