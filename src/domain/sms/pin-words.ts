/** The message that brings a PIN to its customer. */
import type { Placeholders } from './values.ts'

export const pinEvent = 'pin.issued'

/** Stands in the message's row, and wherever it is shown, in the place of the PIN. */
export const pinShownAs = '•••••'

/** The longest PIN there can be. */
const longestPin = 12

export const pinPlaceholders: Placeholders = { pin: { longest: '8'.repeat(longestPin) } }

export function pinValues(pin: string): Record<string, string> {
  return { pin }
}
