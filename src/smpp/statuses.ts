/** What a carrier's command_status means for us (SMPP 3.4, section 5.1.3). */
import { statuses } from '../wire/smpp/constants.ts'

export type Rejection = 'permanent' | 'throttled' | 'queue_full' | 'temporary'

/**
 * May pass by themselves: the carrier's own trouble, or a session that is not
 * as it should be. Everything else that we know says something about the
 * message, which will not become another one.
 */
const temporary: ReadonlySet<number> = new Set([
  statuses.ESME_RINVBNDSTS,
  statuses.ESME_RALYBND,
  statuses.ESME_RSYSERR,
  statuses.ESME_RBINDFAIL,
  statuses.ESME_RSUBMITFAIL,
  statuses.ESME_RX_T_APPN,
  statuses.ESME_RUNKNOWNERR,
])

const known: ReadonlySet<number> = new Set(Object.values(statuses))

/** @param status not ESME_ROK */
export function rejection(status: number): Rejection {
  if (status === statuses.ESME_RTHROTTLED) return 'throttled'
  if (status === statuses.ESME_RMSGQFUL) return 'queue_full'
  // A vendor's own or a reserved one says nothing that we could read: no message is given up for it.
  return temporary.has(status) || !known.has(status) ? 'temporary' : 'permanent'
}

/**
 * What a bind was refused for, in a sentence with its mend, where trying again
 * soon mends nothing and may lock the account. Null: it may pass.
 */
export function bindRefusal(status: number, command: string): string | null {
  switch (status) {
    case statuses.ESME_RINVPASWD:
      return 'wrong password (ESME_RINVPASWD): correct it in SMPP_URL'
    case statuses.ESME_RINVSYSID:
      return 'the carrier does not know this user (ESME_RINVSYSID): correct it in SMPP_URL'
    case statuses.ESME_RINVSYSTYP:
      return 'the carrier does not take this system type (ESME_RINVSYSTYP): ask for the right one'
    case statuses.ESME_RINVCMDID:
      return `the carrier knows no ${command} (ESME_RINVCMDID): choose the other bind mode`
    default:
      return null
  }
}
