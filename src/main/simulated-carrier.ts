/** The simulator as the API shows it. */
import type { Simulator as Shown } from '../http/options.ts'
import type { Fault } from '../local/smsc/faults.ts'
import { malformedKinds } from '../local/smsc/malformed.ts'
import type { Simulator } from '../local/smsc/simulator.ts'
import { messageStates, statuses } from '../wire/smpp/constants.ts'

export function showSimulator(simulator: Simulator): Shown {
  return {
    words: { statuses: Object.keys(statuses), receiptStates: Object.keys(messageStates), malformed: malformedKinds },
    get isBound() {
      return simulator.binds.some(({ type }) => type !== 'transmitter')
    },
    async reply({ to, ...reply }) {
      const sender = to ?? simulator.inbox(reply.from).at(-1)?.from ?? null
      return sender === null ? null : simulator.reply({ ...reply, to: sender })
    },
    // The API has checked it against the words above.
    fault: (fault) => simulator.faults(fault as unknown as Fault),
    clearFaults: () => simulator.clearFaults(),
    pdus: () => simulator.pdus(),
  }
}
