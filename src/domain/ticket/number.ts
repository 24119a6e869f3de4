/**
 * Ticket numbers that can be read out on the phone: digits only, the last one a
 * check digit after Damm (H. M. Damm, "Totally anti-symmetric quasigroups",
 * 2004), which catches every single wrong digit and every swap of neighbours,
 * the two mistakes people make when they say or type a number.
 */
import assert from 'node:assert/strict'

/** A totally anti-symmetric quasigroup of order 10, the one that Damm's thesis gives. */
const quasigroup = [
  [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
  [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
  [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
  [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
  [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
  [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
  [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
  [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
  [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
  [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
] as const

function checkDigit(digits: string): number {
  let interim = 0
  for (const digit of digits) interim = quasigroup[interim]![Number(digit)]!
  return interim
}

/** The number of the ticket that is the `count`th: the count with its check digit. */
export function ticketNumber(count: number): string {
  assert(Number.isSafeInteger(count) && count > 0, 'tickets are counted from 1')
  return `${count}${checkDigit(String(count))}`
}

/** False for a number that was misheard or mistyped. Spaces, dots and dashes do not matter. */
export function isTicketNumber(text: string): boolean {
  const digits = text.replace(/[\s.-]/g, '')
  return /^\d{2,16}$/.test(digits) && checkDigit(digits) === 0
}
