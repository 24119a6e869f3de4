/**
 * A carrier's message_id is an opaque string, kept as it came. Some carriers
 * write the same number in hexadecimal in one place and in decimal in another;
 * these are the strings that submit_sm_resp may have had for one in a receipt.
 */
import type { IdForm } from './settings.ts'

/** 64 bits, which no carrier's counter exceeds. */
const MOST_DECIMALS = 20
const MOST_HEX_DIGITS = 16
/** Widths to which carriers fill up with zeros. */
const WIDTHS = [8, 10]

/** @returns as it came first, then what else may have been meant, each once */
export function possibleIds(inReceipt: string, form: IdForm): string[] {
  const ids = new Set([inReceipt])
  if (form === 'hex_to_decimal' || form === 'either') for (const id of asHex(inReceipt)) ids.add(id)
  if (form === 'decimal_to_hex' || form === 'either') for (const id of asDecimal(inReceipt)) ids.add(id)
  return [...ids]
}

function asHex(decimal: string): string[] {
  if (!/^\d+$/.test(decimal) || decimal.length > MOST_DECIMALS) return []
  const hex = BigInt(decimal).toString(16)
  return filled(hex).flatMap((each) => [each, each.toUpperCase()])
}

function asDecimal(hex: string): string[] {
  const digits = hex.replace(/^0x/i, '')
  if (!/^[\da-f]+$/i.test(digits) || digits.length > MOST_HEX_DIGITS) return []
  return filled(BigInt(`0x${digits}`).toString())
}

function filled(digits: string): string[] {
  return [digits, ...WIDTHS.filter((width) => width > digits.length).map((width) => digits.padStart(width, '0'))]
}
