/**
 * Answers that are kept for whoever asks again with the same Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header).
 *
 * An answer may hold a PIN, which no row does. So it is sealed with a key that
 * comes of the service's secret and of the Idempotency-Key, and of that the
 * row has only a keyed digest: table and secret together open nothing.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { KeptAnswer, Write } from '../app/ports/writing.ts'
import type { Connections, Run, Statement } from './connections.ts'
import type { Keys } from './keys.ts'

/** How long an answer counts. */
export const keptMs = 24 * 3_600_000
/** Thrown away in one statement. */
const batch = 1000

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/** Waits for whoever writes the same row at this moment. One that does not count any more is taken over. */
const take: Statement = {
  name: 'take an idempotency key',
  text: `INSERT INTO idempotency_keys AS k (api_key, digest, request_digest, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (api_key, digest) DO UPDATE
      SET request_digest = excluded.request_digest, sealed_answer = NULL, created_at = excluded.created_at WHERE k.created_at <= $5
    RETURNING digest`,
}
const find: Statement = {
  name: 'the answer of an idempotency key',
  text: 'SELECT request_digest AS request, sealed_answer AS sealed FROM idempotency_keys WHERE api_key = $1 AND digest = $2',
}
const keep: Statement = {
  name: 'keep the answer of an idempotency key',
  text: 'UPDATE idempotency_keys SET sealed_answer = $3 WHERE api_key = $1 AND digest = $2',
}
const forget: Statement = {
  name: 'forget idempotency keys',
  text: `DELETE FROM idempotency_keys WHERE (api_key, digest) IN
      (SELECT api_key, digest FROM idempotency_keys WHERE created_at <= $1 ORDER BY created_at LIMIT ${batch} FOR UPDATE SKIP LOCKED)
    RETURNING api_key`,
}
const waitForLocks: Statement = { name: 'wait for locks', text: `SELECT set_config('lock_timeout', $1, true)` }

/** Whose key it is, by digests; and what seals the answer. */
export class KeyAtHand {
  readonly apiKey: string
  readonly digest: Buffer
  readonly request: Buffer
  readonly #sealing: Buffer

  constructor(keys: Keys, apiKey: string, { key, request }: NonNullable<Write['idempotency']>) {
    const derive = (use: string): Buffer => Buffer.from(hkdfSync('sha256', keys.idempotency, '', `${use} ${apiKey} ${key}`, 32))
    this.apiKey = apiKey
    this.digest = derive('digest')
    this.request = createHmac('sha256', derive('request')).update(request).digest()
    this.#sealing = derive('answer')
  }

  /** The same for the same key, for a map. */
  get name(): string {
    return `${this.apiKey} ${this.digest.toString('base64')}`
  }

  seal(answer: KeptAnswer): Buffer {
    const nonce = randomBytes(nonceBytes)
    const sealing = createCipheriv(cipher, this.#sealing, nonce).setAAD(this.request)
    return Buffer.concat([nonce, sealing.update(JSON.stringify(answer), 'utf8'), sealing.final(), sealing.getAuthTag()])
  }

  unseal(sealed: Buffer): KeptAnswer {
    const opening = createDecipheriv(cipher, this.#sealing, sealed.subarray(0, nonceBytes))
      .setAAD(this.request)
      .setAuthTag(sealed.subarray(-tagBytes))
    return JSON.parse(Buffer.concat([opening.update(sealed.subarray(nonceBytes, -tagBytes)), opening.final()]).toString('utf8'))
  }
}

export type Taken = { is: 'ours' } | { is: 'replayed'; answer: KeptAnswer } | { is: 'reused' }

/**
 * Makes the key ours within this transaction, or finds what was answered.
 * @param lockMs how long it waits for another process that has the key now; then Postgres says 55P03
 */
export async function takeKey(run: Run, at: KeyAtHand, now: number, lockMs: number): Promise<Taken> {
  await run(waitForLocks, [String(lockMs)])
  for (;;) {
    const ours = await run(take, [at.apiKey, at.digest, at.request, new Date(now), new Date(now - keptMs)])
    if (ours.length > 0) {
      await run(waitForLocks, ['0'])
      return { is: 'ours' }
    }
    const [kept] = await run<{ request: Buffer; sealed: Buffer }>(find, [at.apiKey, at.digest])
    // It was thrown away in this very moment.
    if (kept === undefined) continue
    return kept.request.equals(at.request) ? { is: 'replayed', answer: at.unseal(kept.sealed) } : { is: 'reused' }
  }
}

export async function keepAnswer(run: Run, at: KeyAtHand, answer: KeptAnswer): Promise<void> {
  await run(keep, [at.apiKey, at.digest, at.seal(answer)])
}

/** Throws away what does not count any more, some at a time. Settles with how many there were. */
export async function forgetAnswers({ run }: Connections, now: number, signal: AbortSignal): Promise<number> {
  for (let forgotten = 0; ; ) {
    const { length } = await run(forget, [new Date(now - keptMs)])
    forgotten += length
    if (length < batch || signal.aborted) return forgotten
  }
}
