import type { Outcome, Telephony, TelephonyCommand } from '../../../src/app/ports/telephony.ts'
import { until } from '../../support/until.ts'

/** What such a command is answered once the PBX has forgotten what is over: it tells of the end a moment before that. */
export function onceForgotten(telephony: Telephony, command: TelephonyCommand): Promise<Outcome> {
  return until(`${command.do} to find nothing`, async () => {
    const outcome = await telephony.send(command)
    return outcome.ok ? null : outcome
  })
}
