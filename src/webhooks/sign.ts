/** Signing after the Standard Webhooks specification (v1, symmetric): HMAC-SHA256 of id, timestamp and body. */
import { createHmac } from 'node:crypto'

const prefix = 'whsec_'

export type Signed = {
  /** Sent as `webhook-id`. */
  id: string
  /** Seconds since 1970: a receiver refuses what is too old, so each try has its own. */
  timestamp: string
  body: string
}

/** The header `webhook-signature`: one for each secret, with a space between, while one takes the place of another. */
export function signatureOf({ id, timestamp, body }: Signed, secrets: readonly string[]): string {
  return secrets
    .map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
    .join(' ')
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : secret, 'base64')
}
