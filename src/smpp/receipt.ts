/**
 * Delivery receipts: what a deliver_sm says about a message of ours, in its
 * TLVs (SMPP 3.4, 5.3.2.12 and 5.3.2.35) or in the text of Appendix B, which
 * every carrier writes a little differently.
 */
import type { ReceiptState } from '../app/ports/smsc.ts'
import { messageStates } from '../wire/smpp/constants.ts'
import type { Tlvs } from '../wire/smpp/tlvs.ts'
import { possibleIds } from './message-ids.ts'
import type { LinkSettings } from './settings.ts'
import { receiptTime } from './smpp-time.ts'

export type Receipt = { carrierIds: string[]; state: ReceiptState; error: string | null; doneAt: number | null }

const byNumber = new Map<number, ReceiptState>([
  [messageStates.SCHEDULED, 'enroute'],
  [messageStates.ENROUTE, 'enroute'],
  [messageStates.DELIVERED, 'delivered'],
  [messageStates.EXPIRED, 'expired'],
  [messageStates.DELETED, 'deleted'],
  [messageStates.UNDELIVERABLE, 'undeliverable'],
  [messageStates.ACCEPTED, 'accepted'],
  [messageStates.UNKNOWN, 'unknown'],
  [messageStates.REJECTED, 'rejected'],
])

/** By the beginning of the word, which carriers cut at seven letters, or do not. Those further up win. */
const byWord: readonly [beginning: string, state: ReceiptState][] = [
  ['DELETED', 'deleted'],
  ['DELIV', 'delivered'],
  ['EXPIR', 'expired'],
  ['UNDEL', 'undeliverable'],
  ['FAILED', 'undeliverable'],
  ['REJEC', 'rejected'],
  ['ACCEPT', 'accepted'],
  ['ACKED', 'accepted'],
  ['ENROUT', 'enroute'],
  ['BUFF', 'enroute'],
  ['SCHED', 'enroute'],
]

/** @returns null where it tells no message_id: then nobody can say which message it is about */
export function readReceipt(
  text: string,
  tlvs: Tlvs,
  { idForm, receiptTimeZone }: Pick<LinkSettings, 'idForm' | 'receiptTimeZone'>,
  now: number,
): Receipt | null {
  const said = readText(text)
  const ids = [tlvs.receipted_message_id, said.id].filter((id) => id !== undefined && id !== '') as string[]
  if (ids.length === 0) return null
  const byTlv = tlvs.message_state === undefined ? undefined : (byNumber.get(tlvs.message_state) ?? 'unknown')
  return {
    carrierIds: [...new Set(ids.flatMap((id) => possibleIds(id, idForm)))],
    state: byTlv ?? stateOf(said.stat),
    error: said.err ?? networkError(tlvs.network_error_code),
    doneAt: said.done === undefined ? null : receiptTime(said.done, receiptTimeZone, now),
  }
}

/** The fields of Appendix B, in whatever order and spelling. */
function readText(text: string): { id?: string; stat?: string; err?: string; done?: string } {
  // The customer's own text stands at the end and may hold anything.
  const fields = text.split(/\btext:/i, 1)[0] ?? ''
  const value = (pattern: RegExp): string | undefined => pattern.exec(fields)?.[1]
  const [id, stat, err, done] = [
    value(/\bid:\s*([\x21-\x7e]+)/i),
    value(/\bstat(?:us)?:\s*([a-z]+)/i),
    value(/\berr(?:or)?:\s*([\da-z]+)/i),
    value(/\bdone[ _]?date:\s*(\d+)/i),
  ]
  return {
    ...(id !== undefined && { id }),
    ...(stat !== undefined && { stat }),
    ...(err !== undefined && { err }),
    ...(done !== undefined && { done }),
  }
}

function stateOf(word = ''): ReceiptState {
  const upper = word.toUpperCase()
  return byWord.find(([beginning]) => upper.startsWith(beginning))?.[1] ?? 'unknown'
}

/** Section 5.3.2.31: the kind of network, and its own error code. */
function networkError(octets: Buffer | undefined): string | null {
  return octets?.length === 3 ? `${octets[0]}/${octets.readUInt16BE(1)}` : null
}
