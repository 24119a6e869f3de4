/**
 * Calls that go on beside the ones that are measured, on a thread of their own
 * so that their sound does not disturb the clock: some hear music, some wait
 * in a queue in which nobody is free, some talk.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { Call } from '../../src/local/phone/call.ts'
import { Phone } from '../../src/local/phone/phone.ts'
import type { SipAccount } from '../hotline/bench-pforte.ts'
import { Team } from './team.ts'
import { within } from './within.ts'

export type BackgroundSettings = {
  line: string
  registrar: { host: string; port: number }
  /** As many as shall talk; all others with a PIN of their queue wait. */
  accounts: SipAccount[]
  pin: string
  music: number
  waiting: number
}

const PATIENCE_MS = 20_000
const STEP_TAKES_MS = 1_000

const settings = workerData as BackgroundSettings
const { line, registrar, accounts, pin, music, waiting } = settings
const team = await Team.register({ accounts, registrar, answerAfterMs: 50, media: 'silence' })
const phone = await Phone.open({ host: '127.0.0.1', user: 'background' })

for (let number = 0; number < accounts.length; number++) {
  const caller = `+4962120${number}`
  const talk = team.talkWith(caller)
  await placeCall(pin, caller)
  await within(PATIENCE_MS, 'an agent for the background', talk)
}
for (let number = 0; number < waiting; number++) await placeCall(pin, `+4962130${number}`)
// Nothing typed but the end of it: no PIN, so music.
for (let number = 0; number < music; number++) await placeCall('#', `+4962140${number}`)
await new Promise((resolve) => setTimeout(resolve, STEP_TAKES_MS))

parentPort!.on('message', () => {
  void Promise.all([phone.close(), team.leave()]).then(() => process.exit(0))
})
parentPort!.postMessage(phone.calls.length)

async function placeCall(digits: string, from: string): Promise<Call> {
  const call = await phone.call(line, { from, media: 'silence', listen: false })
  await call.sendDigits(digits)
  return call
}
