/** Telling a call that the PBX would not do what it asked for. */
import type { LegName, RefusableCommand } from '../../domain/call/events.ts'
import type { Outcome } from '../ports/telephony.ts'
import type { CallInHand } from './call-in-hand.ts'

/** `gone` needs no event: the leg's end is on its way. `unreachable` neither: the reconnect resumes the step. */
export function reportRefusal(
  call: CallInHand,
  what: { visit: number; command: RefusableCommand; leg?: LegName },
  sent: Promise<Outcome>,
): void {
  void sent.then((outcome) => {
    if (outcome.ok || outcome.why === 'gone' || outcome.why === 'unreachable') return
    const { log, now } = call.services
    log.warn({ call: call.facts.id, command: what.command, why: outcome.why, detail: outcome.detail }, 'the PBX would not do this')
    call.take({ type: 'commandRefused', at: now(), ...what })
  })
}
