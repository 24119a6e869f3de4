/** Messages of one ticket that wait together become one: that of the newest status. */

/** A waiting message that tells a ticket's status. `version` is the ticket's when it entered that status. */
export type WaitingStatus = { messageId: string; ticketId: string; to: string; version: number }

/** Ids of the messages that a newer one of the same ticket, to the same number, makes pointless. Of equal versions the first stays. */
export function pointless(waiting: readonly WaitingStatus[]): string[] {
  const newest = new Map<string, WaitingStatus>()
  for (const message of waiting) {
    const key = `${message.ticketId} ${message.to}`
    const other = newest.get(key)
    if (other === undefined || message.version > other.version) newest.set(key, message)
  }
  const staying = new Set([...newest.values()].map(({ messageId }) => messageId))
  return waiting.map(({ messageId }) => messageId).filter((id) => !staying.has(id))
}
