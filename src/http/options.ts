import type { Registry } from 'prom-client'
import type { Logger } from 'pino'
import type { Pages } from '../app/ports/pages.ts'
import type { Records, Result } from '../app/ports/records.ts'
import type { Announcement } from '../app/ports/store.ts'

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

export type HttpOptions = {
  host: string
  /** 0: any free port; the one taken is in the `url` that comes back. */
  port: number
  apiKey: string
  records: Records
  /** A rendered prompt by its content's hash. `noStore` for what speaks of a person. */
  prompts: { get(hash: string): Promise<ServedPrompt | null> | ServedPrompt | null }
  /** Renders the text and switches the announcement, or says which field is wrong. */
  announce(name: string, order: AnnouncementOrder): Promise<Result<Announcement>>
  /** Told after an agent's state was set: whoever became free may have somebody waiting for them. */
  onAgentChanged?: () => void
  /** Null on a configured Asterisk, which demos have no business on; its routes are not there then. */
  demoAgent?: DemoAgent | null
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
