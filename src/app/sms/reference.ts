/**
 * The number that holds the parts of a long message together on a phone. It
 * need not be unique, only different from that of the messages before it to
 * the same phone; drawn from the id, so that a repeat has the same one.
 */
export function referenceOf(messageId: string): number {
  // The end of a UUID of version 7 is random.
  return Number.parseInt(messageId.slice(-4), 16)
}
