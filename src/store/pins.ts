/** Issuing and revoking PINs. Only digests are kept; the PIN itself leaves in one answer and is forgotten. */
import { randomInt } from 'node:crypto'
import { isObviousPin } from '../domain/gate/limits.ts'
import { reachOf } from '../domain/sms/caps.ts'
import type { ConsentChange } from '../domain/sms/consent.ts'
import type { IssuedPin, Page, PageRequest, PinIssue, PinRecord, Refusal, Result, SentPin } from '../app/ports/records.ts'
import type { Connections, Run, Statement } from './connections.ts'
import { refuse } from './customers.ts'
import { isId, newId } from './ids.ts'
import type { Keys } from './keys.ts'
import { newestFirst, pageOf } from './pages.ts'
import type { TraceStep } from './schema.ts'
import { consentOf, sentBefore } from './sms/facts.ts'
import type { SmsIntents } from './sms/intents.ts'
import { insertMessages, pinNumber, planPinMessage, type PinCustomer, type PinMessage } from './sms/pin-messages.ts'

/** Even with 99 of 100 PINs in use one of these draws hits a free one with near certainty. */
const drawsOfPin = 1000
/** From here on drawing takes long and guessing is easy. */
const crowdedShare = 0.5

/** With whom a PIN would be sent to. */
const lockContract: Statement = {
  name: 'contract for a pin',
  text: `SELECT c.id, c.pin_by_sms AS "pinBySms", k.id AS "customerId", k.language, k.time_zone AS "timeZone",
      ARRAY (SELECT number FROM customer_phone_numbers WHERE customer_id = k.id ORDER BY place) AS numbers
    FROM contracts c JOIN customers k ON k.id = c.customer_id WHERE c.id = $1 FOR KEY SHARE OF c`,
}
type ContractRow = PinCustomer & { id: string; pinBySms: boolean }
/** $1 the number, $2 $3 since when and how many earlier messages to it matter, $4 its digest if it was erased once. */
const knownOfNumber: Statement = {
  name: 'what is known of a number that gets a pin',
  text: `SELECT consent.consent, sent.sent
    FROM (SELECT NULL::uuid AS id, $1::text AS recipient, false AS is_answer) m
    CROSS JOIN LATERAL (${consentOf('$4')}) consent
    CROSS JOIN LATERAL (${sentBefore('$2::timestamptz', '$3::bigint')}) sent`,
}
/** Gives the digits of PINs that have run out back to the drum. */
const retireExpired: Statement = {
  name: 'retire expired pins',
  text: `UPDATE pins SET revoked_at = valid_to WHERE id IN (
    SELECT id FROM pins WHERE revoked_at IS NULL AND valid_to <= $1 ORDER BY valid_to LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
}
const insertPin: Statement = {
  name: 'insert a pin',
  text: `INSERT INTO pins (id, contract_id, digest, key_id, valid_from, valid_to, created_at, length, message_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest) WHERE revoked_at IS NULL DO NOTHING RETURNING id`,
}
/** What would bring it and has not left yet stays here. */
const revoke: Statement = {
  name: 'revoke a pin',
  text: `WITH revoked AS (UPDATE pins SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING id, message_id),
    withheld AS (
      UPDATE messages m SET state = 'superseded', due_at = NULL, sealed_text = NULL, trace = m.trace || $3::jsonb
      FROM revoked WHERE m.id = revoked.message_id AND m.state IN ('held', 'queued') RETURNING m.id)
    SELECT revoked.id, withheld.id AS "messageId" FROM revoked LEFT JOIN withheld ON true`,
}
const countInUse: Statement = {
  name: 'count pins in use',
  text: 'SELECT count(*) AS count FROM pins WHERE revoked_at IS NULL AND length = $1',
}

export class Pins {
  readonly #connections: Connections
  readonly #keys: Keys
  #length: number
  readonly #sms: Pick<SmsIntents, 'definition' | 'tellDue' | 'erasedDigest'>
  readonly #changed: () => void

  /** `changed` is told after each issue and revocation. */
  constructor(
    connections: Connections,
    keys: Keys,
    length: number,
    sms: Pick<SmsIntents, 'definition' | 'tellDue' | 'erasedDigest'>,
    changed: () => void,
  ) {
    this.#connections = connections
    this.#keys = keys
    this.#length = length
    this.#sms = sms
    this.#changed = changed
  }

  /** For PINs that are issued from now on; those that are out stay as they are. */
  useLength(length: number): void {
    this.#length = length
  }

  /** Draws at random without collision, or takes the given one. */
  async issue(issue: PinIssue, at: number): Promise<Result<IssuedPin>> {
    const mistake = this.#mistakeIn(issue)
    if (mistake !== null) return mistake
    const result = await this.#connections.transaction<Result<IssuedPin>>(async (run) => {
      if ((await run<ContractRow>(lockContract, [issue.contractId])).length === 0) return noContract
      const id = newId()
      const pin = await this.#insert(run, issue, { id, messageId: null }, at)
      return pin.ok ? { ok: true, value: { ...shownOf(issue, id, at), pin: pin.value } } : pin
    })
    if (result.ok) this.#changed()
    return result
  }

  /** The same, and the PIN goes to the customer's mobile phone: nobody else is ever told it. */
  async send(issue: PinIssue, at: number): Promise<Result<SentPin>> {
    const mistake = this.#mistakeIn(issue)
    if (mistake !== null) return mistake
    const result = await this.#connections.transaction<Result<SentPin>>(async (run) => {
      const [customer] = await run<ContractRow>(lockContract, [issue.contractId])
      if (customer === undefined) return noContract
      const id = newId()
      const message = await this.#message(run, customer, id, at)
      if ('refusal' in message) return refuse('conflict', 'sendBySms', message.refusal)
      const pin = await this.#insert(run, issue, { id, messageId: message.id }, at)
      if (!pin.ok) return pin
      await run(insertMessages, [JSON.stringify([message.rowWith(pin.value)])])
      return { ok: true, value: { ...shownOf(issue, id, at), messageId: message.id } }
    })
    if (!result.ok) return result
    this.#changed()
    this.#connections.changes.committed.message([result.value.messageId])
    await this.#connections.whenCommitted(() => this.#sms.tellDue())
    return result
  }

  /** Revoking twice is revoking once. */
  async revoke(id: string, at: number): Promise<Result<null>> {
    const step: TraceStep = { at, what: 'superseded', why: 'the PIN was revoked' }
    const [revoked] = isId(id)
      ? await this.#connections.run<{ messageId: string | null }>(revoke, [id, new Date(at), JSON.stringify([step])])
      : []
    if (revoked === undefined) return refuse('not_found', null, 'There is no such PIN.')
    this.#changed()
    if (revoked.messageId !== null) this.#connections.changes.committed.message([revoked.messageId])
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

  #mistakeIn({ contractId, pin, validFrom, validTo }: PinIssue): { ok: false; refusal: Refusal } | null {
    if (!isId(contractId)) return noContract
    if (pin !== undefined && (pin.length !== this.#length || !/^[0-9]+$/.test(pin)))
      return refuse('invalid', 'pin', `A PIN has ${this.#length} digits and nothing else.`)
    if (validFrom !== undefined && validTo !== undefined && validFrom >= validTo)
      return refuse('invalid', 'validTo', 'The PIN would run out before it begins.')
    return null
  }

  /** The message that will bring it, or why there can be none. */
  async #message(run: Run, customer: ContractRow, pinId: string, at: number): Promise<PinMessage | { refusal: string }> {
    if (!customer.pinBySms)
      return { refusal: 'The contract does not allow PINs by SMS. Allow it first: PATCH /v1/contracts/ID with {"pinBySms": true}.' }
    const nobody = (why: string) => ({ refusal: `No PIN can be sent by SMS: ${why}.` })
    const { definition } = this.#sms
    const number = pinNumber(definition, customer.numbers)
    if ('refusal' in number || definition === null) return nobody('refusal' in number ? number.refusal : '')
    const reach = reachOf(definition.rules.caps)
    const [known] = await run<{ consent: ConsentChange[] | null; sent: number[] | null }>(knownOfNumber, [
      number.to.number,
      new Date(at - reach.inMs),
      reach.most,
      this.#sms.erasedDigest(number.to.number),
    ])
    const facts = { consent: known?.consent ?? [], sent: known?.sent ?? [] }
    const planned = planPinMessage(definition, this.#keys, { id: newId(), pinId, to: number.to, customer }, facts, at)
    return 'refusal' in planned ? nobody(planned.refusal) : planned
  }

  /** Answers the PIN that was written. */
  async #insert(
    run: Run,
    issue: PinIssue,
    { id, messageId }: { id: string; messageId: string | null },
    at: number,
  ): Promise<Result<string>> {
    await run(retireExpired, [new Date(at)])
    const { contractId, validFrom = null, validTo = null } = issue
    const insert = async (pin: string): Promise<boolean> =>
      (
        await run(insertPin, [
          id,
          contractId,
          this.#keys.pinDigest(pin),
          this.#keys.id,
          validFrom === null ? null : new Date(validFrom),
          validTo === null ? null : new Date(validTo),
          new Date(at),
          pin.length,
          messageId,
        ])
      ).length === 1
    if (issue.pin !== undefined) {
      if (await insert(issue.pin)) return { ok: true, value: issue.pin }
      // Says nothing about whose it is; that it is taken cannot be hidden from who may issue PINs.
      return refuse('conflict', 'pin', 'This PIN cannot be issued. Take another one, or leave it out to have one drawn.')
    }
    const drawn = await this.#draw(run, insert)
    if (drawn !== null) return { ok: true, value: drawn }
    const mend = 'Revoke old ones, or make them longer (pin.length in pforte.yaml).'
    return refuse('conflict', null, `Nearly all PINs of ${this.#length} digits are in use. ${mend}`)
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

const noContract = refuse('not_found', 'contractId', 'There is no such contract.')

function shownOf({ contractId, validFrom, validTo }: PinIssue, id: string, at: number): Omit<IssuedPin, 'pin'> {
  return { id, contractId, validFrom: validFrom ?? null, validTo: validTo ?? null, createdAt: at }
}
