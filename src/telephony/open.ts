/** The door to the PBX: everything else in this folder is reached through here. */
import type { Log } from '../app/ports/log.ts'
import type { Telephony } from '../app/ports/telephony.ts'
import { ariAccess } from './ari-access.ts'
import { AriTelephony } from './ari-telephony.ts'
import type { Transport } from './asterisk-version.ts'

export { ConnectFailure } from './connect-failure.ts'

export type TelephonyOptions = {
  /** `http://host:8088`, with or without `/ari`; https for TLS. */
  url: string
  user: string
  password: string
  /** The application's name in the dialplan: `Stasis(pforte,…)`. One process an application. */
  app: string
  /** How commands travel; by default what the Asterisk can. */
  transport?: Transport
  /** Where Asterisk fetches `<hash>.wav` from. */
  promptUrl: string
  log: Log
  /** A dead line is noticed after one to two of these. */
  pingMs?: number
  /** How long Asterisk may take for a command. */
  limitMs?: number
  now?: () => number
}

const PING_MS = 5_000
const LIMIT_MS = 5_000

/**
 * Makes the connection's object; `connect()` connects.
 *
 * @throws ConnectFailure when the address is none
 */
export function openTelephony(options: TelephonyOptions): Telephony {
  const { url, user, password, app, transport, promptUrl, log, pingMs = PING_MS, limitMs = LIMIT_MS, now = Date.now } = options
  const access = ariAccess({ url, user, password, app, limitMs })
  return new AriTelephony({ access, transport: transport ?? null, promptUrl, pingMs, now, log })
}
