/** What an agent's phone shows while it rings: who calls, and under which contract, as far as a display has room. */
import type { KnownCaller } from '../ports/store.ts'

const DISPLAY_LENGTH = 40

export function describeCaller(caller: string | null, known: KnownCaller): { name: string; number: string } {
  const name = [known.service, known.customerName].filter((part) => part !== null && part !== '').join(' · ')
  return { name: plain(name === '' ? 'Pforte' : name), number: plain(caller ?? 'anonymous') }
}

/** Quotes and brackets would end a SIP display name early (RFC 3261 §25.1). */
function plain(text: string): string {
  return text.replace(/["<>\\\p{Cc}]/gu, '').slice(0, DISPLAY_LENGTH)
}
