import type { Registry } from 'prom-client'
import type { Logger } from 'pino'
import type { LiveHub } from '../app/live/hub.ts'
import type { ApiKeys } from '../app/ports/api-keys.ts'
import type { Pages } from '../app/ports/pages.ts'
import type { Records, Result } from '../app/ports/records.ts'
import type { Announcement } from '../app/ports/store.ts'
import type { Webhooks } from '../app/ports/webhooks.ts'
import type { Writing } from '../app/ports/writing.ts'

export type PartName = 'postgres' | 'asterisk' | 'smsc'
export type PartState = { ok: boolean; detail: string }
export type Parts = Record<PartName, PartState>

export type FlowPicture = {
  name: string
  /** Mermaid source, for people who keep diagrams in documents. */
  mermaid: string
  /** The same graph drawn as SVG, coloured by the page's own style sheet. */
  svg: string
}

/** What an answer needs to know of `pforte.yaml`; asked for each request, because the file can be reloaded. */
export type ServiceFacts = {
  /** ISO 3166 country in which a number written without `+` is read: `DE`. */
  country: string
  /** Language of a customer, or of an announcement's text, for whom none is given. */
  language: string
  /** IANA time zone of a customer for whom none is given. */
  timeZone: string
  /** Queue of a contract that names none: the line's first. */
  queue: string
  /** Names under `hours`; a contract may name one of them, or `always`. */
  hours: readonly string[]
}

export type AnnouncementOrder = {
  on: boolean
  /** Language → text. Empty: the text stays as it is. */
  text: Record<string, string>
  endsAt: number | null
}

export type ServedPrompt = { wav: Buffer; noStore?: boolean }

/** What a softphone needs to register. */
export type SipAccount = { username: string; password: string; server: string }

/** The agent who answers for whoever tries Pforte out; stays for a while after each `keep`. */
export type DemoAgent = { keep(): Promise<SipAccount>; dismiss(): Promise<void> }

/** What somebody types on a phone that talks to the simulated carrier. */
export type PhoneReply = {
  from: string
  /** Null: whoever wrote to that phone last. */
  to: string | null
  text: string
  coding?: 'gsm7' | 'ascii' | 'latin1' | 'ucs2'
  longForm?: 'udh8' | 'udh16' | 'sar' | 'payload'
}
/** Of each part: `status` is what we answered the carrier last, null if nothing. */
export type PartAcknowledgement = { acknowledged: boolean; status: string | null; tries: number }

/** What goes wrong at the simulated carrier from now on; which fields go with a kind is in `simulated-fault.ts`. */
export type SimulatedFault = { kind: string; [field: string]: unknown }

export type SimulatedPdu = { at: number; direction: 'in' | 'out'; bind: string; sequence: number; status: string } & (
  | { command: string; fields: Record<string, unknown>; tlvs: Record<string, unknown>; text: string | null }
  | { command: null; bad: string }
)

/** The SMSC that stands in for a carrier. Its words are SMPP's. */
export type Simulator = {
  words: {
    /** `ESME_RTHROTTLED` … */
    statuses: readonly string[]
    /** `DELIVERED` … */
    receiptStates: readonly string[]
    /** PDUs that are none. */
    malformed: readonly string[]
  }
  /** Somebody is there who takes replies. */
  readonly isBound: boolean
  /**
   * Settles when every part was acknowledged, or refused for good; null if nobody ever wrote to that phone.
   * @throws RangeError if the coding that is asked for lacks a character
   */
  reply(reply: PhoneReply): Promise<PartAcknowledgement[] | null>
  /** Beside those that are on. */
  fault(fault: SimulatedFault): void
  clearFaults(): void
  /** The last ones on the wire, oldest first. Texts among them. */
  pdus(): readonly SimulatedPdu[]
}

export type HttpOptions = {
  host: string
  /** 0: any free port; the one taken is in the `url` that comes back. */
  port: number
  /** The first administrator's, which is in no table. */
  apiKey: string
  apiKeys: ApiKeys
  /** How often an address may come without a good key before it is told to wait. */
  refusalsPerMinute?: number
  records: Records
  writing: Writing
  /** Tells those who watch; it is closed with the edge. */
  live: LiveHub
  webhooks: Webhooks
  /** Why a webhook may not lead there, for whoever asked for it; null: it may. */
  webhookRefusal(url: string): string | null
  /** A rendered prompt by its content's hash. `noStore` for what speaks of a person. */
  prompts: { get(hash: string): Promise<ServedPrompt | null> | ServedPrompt | null }
  /** Renders the text and switches the announcement, or says which field is wrong. */
  announce(name: string, order: AnnouncementOrder): Promise<Result<Announcement>>
  /** Has the text rendered before `announce` asks for it; what the voice cannot speak is left for that to say. */
  renderAhead?: (text: AnnouncementOrder['text']) => Promise<void>
  /** Told after an agent's state was set: whoever became free may have somebody waiting for them. */
  onAgentChanged?: () => void
  /** Null on a configured Asterisk, which demos have no business on; its routes are not there then. */
  demoAgent?: DemoAgent | null
  /** Null where a carrier is configured; its routes are not there then. */
  simulator?: Simulator | null
  parts(): Promise<Parts>
  metrics: Registry
  flows(): readonly FlowPicture[]
  service(): ServiceFacts
  pages: Pages
  /** Networks (CIDR) that may fetch prompts, which need no key. Default: this machine only. */
  promptClients?: readonly string[]
  log: Logger
  /** Epoch milliseconds. */
  now(): number
}
