/** What a deliver_sm or data_sm says, in Pforte's words: a receipt for a message of ours, or a customer's reply. Pure. */
import type { Incoming } from '../app/ports/smsc.ts'
import { joinParts } from '../domain/sms/decode.ts'
import { dataCoding, esmClass } from '../wire/smpp/constants.ts'
import type { Pdu } from '../wire/smpp/pdu.ts'
import type { Tlvs } from '../wire/smpp/tlvs.ts'
import { readAddress } from './addresses.ts'
import { readReceipt } from './receipt.ts'
import type { LinkSettings } from './settings.ts'
import { readUserData } from './text.ts'
import { readHeader, sensible, type Concatenated } from './user-data-header.ts'

export type IncomingFault = 'illegible_receipt' | 'bad_user_data_header'

/** `incoming` is null for what nobody could make use of: a receipt that does not say for which message. */
export type ReadIncoming = { incoming: Incoming | null; fault: IncomingFault | null }

type Reading = Pick<LinkSettings, 'sourceEncoding' | 'idForm' | 'receiptTimeZone'>

/** @param now epoch ms */
export function readIncoming(pdu: Pdu<'deliver_sm' | 'data_sm'>, route: string, settings: Reading, now: number): ReadIncoming {
  const { fields, tlvs } = pdu
  const { octets, concatenation, fault } = userData(pdu)
  if (isReceipt(fields.esm_class, tlvs)) {
    // Carriers write receipts in ASCII, whatever their default alphabet is: an underscore in an id would become another letter.
    const text = readUserData(octets, fields.data_coding === dataCoding.ucs2 ? dataCoding.ucs2 : dataCoding.latin1, 'latin1')
    const receipt = readReceipt(text, tlvs, settings, now)
    if (receipt === null) return { incoming: null, fault: 'illegible_receipt' }
    return { incoming: { kind: 'receipt', route, to: readAddress(fields.source_addr_ton, fields.source_addr), ...receipt }, fault }
  }
  const text = readUserData(octets, fields.data_coding, settings.sourceEncoding)
  const incoming: Incoming = {
    kind: 'reply',
    route,
    from: readAddress(fields.source_addr_ton, fields.source_addr),
    to: readAddress(fields.dest_addr_ton, fields.destination_addr),
    // A part may begin or end in the middle of a character; only its neighbours can tell.
    text: concatenation === null ? joinParts([text]) : text,
    concatenation,
  }
  return { incoming, fault }
}

/**
 * By esm_class (section 5.2.12), or by a TLV that nothing but a receipt has,
 * where a carrier forgot the bits. Never by its text alone: a customer can
 * write anything.
 */
function isReceipt(esm: number, tlvs: Tlvs): boolean {
  const type = esm & esmClass.typeMask
  return type === esmClass.deliveryReceipt || type === esmClass.intermediateNotification || tlvs.receipted_message_id !== undefined
}

/** What was sent without what tells how it belongs together. */
function userData({ fields, tlvs }: Pdu<'deliver_sm' | 'data_sm'>): {
  octets: Buffer
  concatenation: Concatenated | null
  fault: IncomingFault | null
} {
  const short = 'short_message' in fields ? fields.short_message : null
  const octets = short !== null && short.length > 0 ? short : (tlvs.message_payload ?? Buffer.alloc(0))
  const bySar = sensible(tlvs.sar_msg_ref_num ?? 0, tlvs.sar_segment_seqnum ?? 0, tlvs.sar_total_segments ?? 0)
  if ((fields.esm_class & esmClass.udhi) === 0) return { octets, concatenation: bySar, fault: null }
  const header = readHeader(octets)
  if (header === null) return { octets, concatenation: bySar, fault: 'bad_user_data_header' }
  return { octets: header.text, concatenation: header.concatenation ?? bySar, fault: null }
}
