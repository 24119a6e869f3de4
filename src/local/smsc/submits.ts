/** What the SMSC does with a submit_sm: takes or refuses it, puts it on a phone, says what became of it. */
import { dataCoding, esmClass, statuses, type MessageStateName } from '../../wire/smpp/constants.ts'
import { encodePdu, type Pdu } from '../../wire/smpp/pdu.ts'
import type { Deliveries, Delivery } from './deliveries.ts'
import type { Faults, Plan } from './faults.ts'
import type { MessageIds } from './message-ids.ts'
import { numberOf, type Phones } from './phones.ts'
import { receipt, type ReceiptForm } from './receipt.ts'
import type { Session } from './session.ts'
import { Timers } from './timers.ts'
import { userDataOf } from './user-data.ts'

export type SubmitsOptions = {
  ids: MessageIds
  faults: Faults
  phones: Phones
  deliveries: Deliveries
  receiptForm: ReceiptForm
  now: () => number
}

type Submit = Pdu<'submit_sm'>
type Taken = { session: Session; pdu: Submit; plan: Plan; text: Buffer; idInReceipt: string; at: number }

export class Submits {
  readonly #options: SubmitsOptions
  readonly #timers = new Timers()
  readonly counts = { submitted: 0, accepted: 0, rejected: 0, receipts: 0 }

  constructor(options: SubmitsOptions) {
    this.#options = options
  }

  take(session: Session, pdu: Submit): void {
    const { faults, ids, phones, now } = this.#options
    const { fields } = pdu
    this.counts.submitted++
    const to = numberOf(fields.destination_addr, fields.dest_addr_ton)
    const plan = faults.plan(to)
    if (plan.hangup?.when === 'request') return session.hangUp(plan.hangup.how)
    if (plan.isDropped) return
    const status = plan.status === statuses.ESME_ROK ? mistakeIn(pdu) : plan.status
    if (status !== statuses.ESME_ROK) {
      this.counts.rejected++
      return this.#respond(session, pdu, plan, status, '')
    }
    this.counts.accepted++
    const { inResponse, inReceipt } = ids.next()
    const at = now()
    const userData = userDataOf(fields, pdu.tlvs)
    const from = numberOf(fields.source_addr, fields.source_addr_ton)
    phones.take({ ...userData, from, to, coding: fields.data_coding, messageId: inResponse, at })
    const taken = { session, pdu, plan, text: userData.octets, idInReceipt: inReceipt, at }
    const states = wantedStates(fields.registered_delivery, plan.receipts.states)
    if (plan.receipts.isEarly && states.length > 0) {
      this.#sendReceipts(taken, states, () => this.#respond(session, pdu, plan, status, inResponse))
    } else {
      this.#respond(session, pdu, plan, status, inResponse)
      if (states.length > 0) this.#sendReceipts(taken, states, null)
    }
  }

  close(): void {
    this.#timers.close()
  }

  #respond(session: Session, { sequence }: Submit, plan: Plan, status: number, message_id: string): void {
    if (!plan.isAnswered) return
    const answer = (): void => {
      const response = { command: 'submit_sm_resp', sequence, status, fields: { message_id } } as const
      if (plan.malformed !== null) session.sendMalformed(plan.malformed)
      else if (plan.hangup !== null && plan.hangup.when !== 'request')
        session.hangUp(plan.hangup.how, encodePdu(response).subarray(0, plan.hangup.when.afterOctets))
      else session.send(response)
    }
    if (plan.responseDelayMs > 0) this.#timers.after(plan.responseDelayMs, answer)
    else answer()
  }

  /** @param acknowledged when the ESME has them all, or never will */
  #sendReceipts(taken: Taken, states: readonly MessageStateName[], acknowledged: (() => void) | null): void {
    const { delayMs } = taken.plan.receipts
    if (delayMs > 0) this.#timers.after(delayMs, () => this.#deliverReceipts(taken, states, acknowledged))
    else this.#deliverReceipts(taken, states, acknowledged)
  }

  #deliverReceipts(taken: Taken, states: readonly MessageStateName[], acknowledged: (() => void) | null): void {
    const { deliveries, receiptForm, now } = this.#options
    const { session, pdu, plan, text, idInReceipt: messageId, at: submittedAt } = taken
    const { error, times } = plan.receipts
    let open = states.length * times
    const settle: Delivery['settle'] = acknowledged && (() => void (--open === 0 && acknowledged()))
    for (const state of states) {
      const told = state === 'DELIVERED' ? '000' : error
      const { fields, tlvs } = receipt(
        { submitted: pdu.fields, text, messageId, state, error: told, submittedAt, doneAt: now() },
        receiptForm,
      )
      for (let time = 0; time < times; time++) {
        this.counts.receipts++
        deliveries.add(session.account, { fields: { destination_addr: pdu.fields.source_addr, ...fields }, tlvs, settle, tries: 0 })
      }
    }
  }
}

/** SMPP 3.4, section 5.2.17: whether a receipt was asked for at all, or only for what fails. */
function wantedStates(registered: number, states: readonly MessageStateName[]): readonly MessageStateName[] {
  switch (registered & 0x03) {
    case 1:
      return states
    case 2:
      return states.filter((state) => state !== 'DELIVERED')
    default:
      return []
  }
}

/** User data of a short message (3GPP TS 23.040, section 9.2.3.24), in bits. */
const userDataBits = 140 * 8

/** What every carrier refuses: an address that is no number, a text that no short message can carry. */
function mistakeIn({ fields, tlvs }: Submit): number {
  if (!/^\+?\d{3,15}$/.test(fields.destination_addr)) return statuses.ESME_RINVDSTADR
  if (fields.source_addr === '') return statuses.ESME_RINVSRCADR
  if (tlvs.message_payload !== undefined) return statuses.ESME_ROK
  const octets = fields.short_message
  const headerOctets = (fields.esm_class & esmClass.udhi) === 0 ? 0 : Math.min(octets.length, 1 + (octets[0] ?? 0))
  const bitsAnOctet = fields.data_coding === dataCoding.smscDefault ? 7 : 8
  const bits = headerOctets * 8 + (octets.length - headerOctets) * bitsAnOctet
  return bits > userDataBits ? statuses.ESME_RINVMSGLEN : statuses.ESME_ROK
}
