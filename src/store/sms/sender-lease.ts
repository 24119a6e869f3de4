/**
 * A sender is alive while it holds its lease: a session-level advisory lock,
 * which falls the moment its process dies. So what a dead one was submitting is
 * found at once, and what a living one submits is never touched.
 */
import { newId } from '../ids.ts'
import type { Leases } from '../lease.ts'

/** How `Leases` spells its locks; $1 is the sender. */
export const senderLockKey = `hashtextextended('pforte lease sms ' || $1, 0)`

export type SenderLease = { sender: string; lost: Promise<string>; release(): Promise<void> }

/** A new name each time: rows of an earlier lease of this process are a dead sender's, too. */
export async function takeSenderLease(leases: Leases): Promise<SenderLease> {
  const sender = newId()
  const lease = await leases.take(`sms ${sender}`, () => {})
  return { sender, lost: lease.lost, release: () => lease.release() }
}
