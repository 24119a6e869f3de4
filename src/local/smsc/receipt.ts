/** Delivery receipts: a deliver_sm whose text follows SMPP 3.4, Appendix B, or whose TLVs say the same. */
import { dataCoding, esmClass, messageStates, registeredDelivery, type MessageStateName } from '../../wire/smpp/constants.ts'
import type { MessageFields } from '../../wire/smpp/fields.ts'
import type { Tlvs } from '../../wire/smpp/tlvs.ts'

/** As carriers have it: both, or one of the two. */
export type ReceiptForm = 'text_and_tlvs' | 'text' | 'tlvs'

/** Appendix B has seven letters at most. */
const words: Record<MessageStateName, string> = {
  SCHEDULED: 'ENROUTE',
  ENROUTE: 'ENROUTE',
  DELIVERED: 'DELIVRD',
  EXPIRED: 'EXPIRED',
  DELETED: 'DELETED',
  UNDELIVERABLE: 'UNDELIV',
  ACCEPTED: 'ACCEPTD',
  UNKNOWN: 'UNKNOWN',
  REJECTED: 'REJECTD',
}

export type ReceiptFor = {
  /** The message that was submitted. */
  submitted: MessageFields
  /** Its first octets, for the end of the text. */
  text: Buffer
  messageId: string
  state: MessageStateName
  /** Three digits. */
  error: string
  /** Epoch ms. */
  submittedAt: number
  doneAt: number
}

/** GSM error, as network_error_code has it (section 5.3.2.31). */
const gsmNetwork = 3

const textOctets = 20

function isFinal(state: MessageStateName): boolean {
  return state !== 'SCHEDULED' && state !== 'ENROUTE'
}

export function receipt(
  about: ReceiptFor,
  form: ReceiptForm,
): { fields: Pick<MessageFields, 'short_message' | 'data_coding'> & Partial<MessageFields>; tlvs: Tlvs } {
  const { submitted, messageId, state, error } = about
  const fields = {
    // From where the message went to, back to where it came from.
    source_addr_ton: submitted.dest_addr_ton,
    source_addr_npi: submitted.dest_addr_npi,
    source_addr: submitted.destination_addr,
    dest_addr_ton: submitted.source_addr_ton,
    dest_addr_npi: submitted.source_addr_npi,
    destination_addr: submitted.source_addr,
    // As a notification only to whoever asked for notifications.
    esm_class:
      !isFinal(state) && (submitted.registered_delivery & registeredDelivery.intermediate) !== 0
        ? esmClass.intermediateNotification
        : esmClass.deliveryReceipt,
    data_coding: dataCoding.smscDefault,
    short_message: form === 'tlvs' ? Buffer.alloc(0) : textOf(about),
  }
  if (form === 'text') return { fields, tlvs: {} }
  const code = Number(error)
  const tlvs: Tlvs = {
    receipted_message_id: messageId,
    message_state: messageStates[state],
    ...(code > 0 && { network_error_code: Buffer.of(gsmNetwork, code >> 8, code & 0xff) }),
  }
  return { fields, tlvs }
}

function textOf({ submitted, text, messageId, state, error, submittedAt, doneAt }: ReceiptFor): Buffer {
  const delivered = state === 'DELIVERED' ? '001' : '000'
  const said = `id:${messageId} sub:001 dlvrd:${delivered} submit date:${time(submittedAt)} done date:${time(doneAt)} stat:${words[state]} err:${error} text:`
  // In another coding it could not stand here.
  const first = submitted.data_coding === dataCoding.smscDefault ? text.subarray(0, textOctets) : Buffer.alloc(0)
  return Buffer.concat([Buffer.from(said, 'latin1'), first])
}

/** `YYMMDDhhmm`, in UTC. Kept while the minute lasts: ten thousand a second say the same. */
function time(at: number): string {
  const minute = Math.floor(at / 60_000)
  if (minute !== writtenMinute) {
    writtenMinute = minute
    written = new Date(at).toISOString().slice(2, 16).replace(/[-:T]/g, '')
  }
  return written
}
let writtenMinute = Number.NaN
let written = ''
