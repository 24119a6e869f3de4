/** Issuing and revoking PINs. Only digests are kept; the PIN itself leaves in one answer and is forgotten. */
import { randomInt } from 'node:crypto'
import { isObviousPin } from '../domain/gate/limits.ts'
import type { IssuedPin, Page, PageRequest, PinIssue, PinRecord, Result } from '../app/ports/records.ts'
import type { Connections, Run, Statement } from './connections.ts'
import { refuse } from './customers.ts'
import { isId, newId } from './ids.ts'
import type { Keys } from './keys.ts'
import { newestFirst, pageOf } from './pages.ts'

/** Even with 99 of 100 PINs in use one of these draws hits a free one with near certainty. */
const drawsOfPin = 1000
/** From here on drawing takes long and guessing is easy. */
const crowdedShare = 0.5

const lockContract: Statement = { name: 'contract for a pin', text: 'SELECT id FROM contracts WHERE id = $1 FOR KEY SHARE' }
/** Gives the digits of PINs that have run out back to the drum. */
const retireExpired: Statement = {
  name: 'retire expired pins',
  text: `UPDATE pins SET revoked_at = valid_to WHERE id IN (
    SELECT id FROM pins WHERE revoked_at IS NULL AND valid_to <= $1 ORDER BY valid_to LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
}
const insertPin: Statement = {
  name: 'insert a pin',
  text: `INSERT INTO pins (id, contract_id, digest, key_id, valid_from, valid_to, created_at, length)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (digest) WHERE revoked_at IS NULL DO NOTHING RETURNING id`,
}
const revoke: Statement = { name: 'revoke a pin', text: 'UPDATE pins SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING id' }
const countInUse: Statement = {
  name: 'count pins in use',
  text: 'SELECT count(*) AS count FROM pins WHERE revoked_at IS NULL AND length = $1',
}

export class Pins {
  readonly #connections: Connections
  readonly #keys: Keys
  #length: number
  readonly #changed: () => void

  /** `changed` is told after each issue and revocation. */
  constructor(connections: Connections, keys: Keys, length: number, changed: () => void) {
    this.#connections = connections
    this.#keys = keys
    this.#length = length
    this.#changed = changed
  }

  /** For PINs that are issued from now on; those that are out stay as they are. */
  useLength(length: number): void {
    this.#length = length
  }

  /** Draws at random without collision, or takes the given one. */
  async issue(issue: PinIssue, at: number): Promise<Result<IssuedPin>> {
    const noContract = refuse('not_found', 'contractId', 'There is no such contract.')
    if (!isId(issue.contractId)) return noContract
    if (issue.pin !== undefined && (issue.pin.length !== this.#length || !/^[0-9]+$/.test(issue.pin))) {
      return refuse('invalid', 'pin', `A PIN has ${this.#length} digits and nothing else.`)
    }
    const validFrom = issue.validFrom ?? null
    const validTo = issue.validTo ?? null
    if (validFrom !== null && validTo !== null && validFrom >= validTo)
      return refuse('invalid', 'validTo', 'The PIN would run out before it begins.')

    const result = await this.#connections.transaction<Result<IssuedPin>>(async (run) => {
      if ((await run(lockContract, [issue.contractId])).length === 0) return noContract
      await run(retireExpired, [new Date(at)])
      const id = newId()
      const insert = async (pin: string): Promise<boolean> =>
        (
          await run(insertPin, [
            id,
            issue.contractId,
            this.#keys.pinDigest(pin),
            this.#keys.id,
            validFrom === null ? null : new Date(validFrom),
            validTo === null ? null : new Date(validTo),
            new Date(at),
            pin.length,
          ])
        ).length === 1
      const issued = (pin: string): Result<IssuedPin> => ({
        ok: true,
        value: { id, contractId: issue.contractId, pin, validFrom, validTo, createdAt: at },
      })
      if (issue.pin !== undefined) {
        // Says nothing about whose it is; that it is taken cannot be hidden from who may issue PINs.
        return (await insert(issue.pin))
          ? issued(issue.pin)
          : refuse('conflict', 'pin', 'This PIN cannot be issued. Take another one, or leave it out to have one drawn.')
      }
      const drawn = await this.#draw(run, insert)
      return drawn === null
        ? refuse(
            'conflict',
            null,
            `Nearly all PINs of ${this.#length} digits are in use. Revoke old ones, or make them longer (pin.length in pforte.yaml).`,
          )
        : issued(drawn)
    })
    if (result.ok) this.#changed()
    return result
  }

  /** Revoking twice is revoking once. */
  async revoke(id: string, at: number): Promise<Result<null>> {
    const revoked = isId(id) ? await this.#connections.run(revoke, [id, new Date(at)]) : []
    if (revoked.length === 0) return refuse('not_found', null, 'There is no such PIN.')
    this.#changed()
    return { ok: true, value: null }
  }

  /** Newest first; null: there is no such contract. */
  async list(contractId: string, page: PageRequest): Promise<Page<PinRecord> | null> {
    if (!isId(contractId)) return null
    const { kysely } = this.#connections
    const query = kysely
      .selectFrom('pins')
      .select([
        'id',
        'contract_id as contractId',
        'valid_from as validFrom',
        'valid_to as validTo',
        'created_at as createdAt',
        'revoked_at as revokedAt',
        'message_id as messageId',
      ])
      .where('contract_id', '=', contractId)
    const rows: PinRecord[] = await newestFirst(query, 'created_at', 'id', isId, page).execute()
    if (rows.length === 0) {
      const contract = await kysely.selectFrom('contracts').select('id').where('id', '=', contractId).executeTakeFirst()
      if (contract === undefined) return null
    }
    return pageOf(
      rows,
      page.limit,
      (row) => ({ at: row.createdAt, id: row.id }),
      (row) => row,
    )
  }

  async #draw(run: Run, insert: (pin: string) => Promise<boolean>): Promise<string | null> {
    for (let draws = 1; draws <= drawsOfPin; draws += 1) {
      const pin = String(randomInt(10 ** this.#length)).padStart(this.#length, '0')
      if (isObviousPin(pin) || !(await insert(pin))) continue
      // Two collisions in a row are worth a look: half of the drum may be empty.
      if (draws > 2) await this.#warnIfCrowded(run)
      return pin
    }
    return null
  }

  async #warnIfCrowded(run: Run): Promise<void> {
    const [row] = await run<{ count: number }>(countInUse, [this.#length])
    const share = row!.count / 10 ** this.#length
    if (share > crowdedShare) {
      this.#connections.log.warn(
        { pinsInUse: row!.count, length: this.#length },
        'more than half of all possible PINs are in use: make them longer (pin.length in pforte.yaml)',
      )
    }
  }
}
