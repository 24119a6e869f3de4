/** What a carrier link is told: by `SMPP_URL` where the carriers are and who we are there, by pforte.yaml how they want it. */

/** One carrier's account, from its URL. */
export type Account = {
  /** `user@host:port`: the name of the route. */
  route: string
  host: string
  port: number
  tls: boolean
  systemId: string
  password: string
}

/**
 * How `message_id` in a receipt relates to the one in submit_sm_resp, which carriers do not agree upon.
 * - `as_sent`: the same octets.
 * - `hex_to_decimal`: hexadecimal in submit_sm_resp, decimal in receipts; `decimal_to_hex`: the other way round.
 * - `either`: any of the three.
 */
export type IdForm = 'as_sent' | 'hex_to_decimal' | 'decimal_to_hex' | 'either'

/**
 * How a long text is told to be one.
 * - `udh8`, `udh16`: a user data header with an 8-bit or 16-bit reference (3GPP TS 23.040, 9.2.3.24). The longer one leaves
 *   room for 152 septets or 66 UCS-2 units a part, one less than the shorter.
 * - `sar`: the TLVs sar_msg_ref_num, sar_total_segments and sar_segment_seqnum; the carrier makes the header.
 * - `payload`: all of it in one message_payload; the carrier cuts it. All parts then share one PDU and one message_id.
 */
export type Concatenation = 'udh8' | 'udh16' | 'sar' | 'payload'

/** What `data_coding` 0 means at this carrier, in both directions. `latin1` cannot carry the euro sign and Greek capitals. */
export type SourceEncoding = 'gsm7' | 'latin1'

export type LinkSettings = {
  /** Parts on the wire without an answer, on one bind. */
  window: number
  /** Parts a second on one bind. Null: as fast as the window allows. */
  ratePerSecond: number | null
  /** At once, on each account. */
  binds: number
  /** `pair`: a transmitter and a receiver each, for carriers that know no transceiver. */
  bindMode: 'transceiver' | 'pair'
  /** 0x34 is SMPP 3.4. */
  interfaceVersion: number
  systemType: string
  serviceType: string
  idForm: IdForm
  concatenation: Concatenation
  /** `relative` counts from when the carrier takes it, so that neither clocks nor time zones need to agree. */
  validity: 'relative' | 'absolute'
  sourceEncoding: SourceEncoding
  /** The zone of the times in receipts, which have none: `Europe/Berlin`. */
  receiptTimeZone: string
  /** Certificates (PEM) to trust with TLS instead of those of this machine. */
  ca: string | null
  connectTimeoutMs: number
  /** For an answer to a bind, a submit_sm, an unbind. */
  responseTimeoutMs: number
  /** An enquire_link goes out this often … */
  enquireLinkMs: number
  /** … and a carrier that answers nothing for so long after it is gone. */
  enquireLinkTimeoutMs: number
  /** A PDU that has begun must be whole by then. */
  partialPduMs: number
  /** The first pause after a lost connection; each further one is twice as long, and jittered. */
  firstPauseMs: number
  longestPauseMs: number
  /** After a wrong password or user. */
  refusedPauseMs: number
  /** For what is on the wire when we close. */
  drainMs: number
}

export const defaultLinkSettings: LinkSettings = {
  window: 10,
  ratePerSecond: null,
  binds: 1,
  bindMode: 'transceiver',
  interfaceVersion: 0x34,
  systemType: '',
  serviceType: '',
  idForm: 'as_sent',
  concatenation: 'udh8',
  validity: 'relative',
  sourceEncoding: 'gsm7',
  receiptTimeZone: 'UTC',
  ca: null,
  connectTimeoutMs: 10_000,
  responseTimeoutMs: 30_000,
  enquireLinkMs: 30_000,
  enquireLinkTimeoutMs: 10_000,
  partialPduMs: 10_000,
  firstPauseMs: 500,
  longestPauseMs: 60_000,
  refusedPauseMs: 600_000,
  drainMs: 5_000,
}
