/**
 * Keys derived from the service's secret, one for each use (HKDF, RFC 5869),
 * so that what leaks by one use opens no other.
 */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const cipher = 'aes-256-gcm'
/** Shorter secrets could be tried out against the check value. */
const shortestSecretBytes = 16

export class Keys {
  /** Names the secret without telling it; written beside every digest made with it. */
  readonly id: string
  /** Proves that two processes hold the same secret. */
  readonly checkValue: Buffer
  /** The key of the PINs' digests as HMAC takes it (RFC 2104): worked out once, because it is asked for in the middle of a call. */
  readonly #inner: Buffer
  readonly #outer: Buffer
  readonly #passwords: Buffer
  readonly #webhooks: Buffer
  readonly #texts: Buffer
  /** Of the keys that requests bring themselves (idempotency.ts). */
  readonly idempotency: Buffer
  readonly #erased: Buffer

  constructor(secret: Buffer) {
    assert(secret.length >= shortestSecretBytes, `the service's secret has at least ${shortestSecretBytes} bytes`)
    const derive = (use: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `pforte ${use}`, keyBytes))
    this.id = derive('key id').toString('hex', 0, 6)
    this.checkValue = derive('check value')
    const pins = derive('pin digests')
    this.#inner = padded(pins, 0x36)
    this.#outer = padded(pins, 0x5c)
    this.#passwords = derive('agent passwords')
    this.#webhooks = derive('webhook secrets')
    this.#texts = derive('message texts')
    this.idempotency = derive('idempotency keys')
    this.#erased = derive('what was erased')
  }

  /** What is kept of a PIN: keyed, because five digits leave no room for a salt to help. */
  pinDigest(pin: string): Buffer {
    const text = Buffer.from(pin)
    return digest(Buffer.concat([this.#outer, digest(Buffer.concat([this.#inner, text]))]))
  }

  /** By which something erased is known again when it comes once more: a number that opted out, a recording. */
  erasedDigest(text: string): Buffer {
    return createHmac('sha256', this.#erased).update(text).digest()
  }

  /** The name of a recording whose own name may tell of somebody. */
  erasedName(name: string): string {
    return `erased-${this.erasedDigest(name).toString('hex')}`
  }

  /** Encrypts an agent's SIP password; `owner` binds it to that agent's row. */
  seal(password: string, owner: string): Buffer {
    return sealWith(this.#passwords, password, owner)
  }

  /** Reverses `seal`; throws if the row was made with another secret or for another owner. */
  unseal(sealed: Buffer, owner: string): string {
    return unsealWith(this.#passwords, sealed, owner)
  }

  /** The same for what signs a webhook's deliveries; `owner` is the webhook's id. */
  sealWebhookSecret(secret: string, owner: string): Buffer {
    return sealWith(this.#webhooks, secret, owner)
  }

  unsealWebhookSecret(sealed: Buffer, owner: string): string {
    return unsealWith(this.#webhooks, sealed, owner)
  }

  /** The same for a text that nobody may read in its message's row; `owner` is the message's id. */
  sealText(text: string, owner: string): Buffer {
    return sealWith(this.#texts, text, owner)
  }

  unsealText(sealed: Buffer, owner: string): string {
    return unsealWith(this.#texts, sealed, owner)
  }
}

function sealWith(key: Buffer, text: string, owner: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(owner))
  return Buffer.concat([nonce, sealing.update(text, 'utf8'), sealing.final(), sealing.getAuthTag()])
}

function unsealWith(key: Buffer, sealed: Buffer, owner: string): string {
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes))
    .setAAD(Buffer.from(owner))
    .setAuthTag(sealed.subarray(-tagBytes))
  return Buffer.concat([opening.update(sealed.subarray(nonceBytes, -tagBytes)), opening.final()]).toString('utf8')
}

const blockBytes = 64

const digest = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer')

function padded(key: Buffer, pad: number): Buffer {
  const block = Buffer.alloc(blockBytes, pad)
  for (const [place, byte] of key.entries()) block[place]! ^= byte
  return block
}
