/**
 * The service as the rest of Pforte knows it: what `pforte.yaml` says, checked,
 * in the units and words of the domain, with defaults filled in.
 */
import type { RetentionRules } from '../app/ports/retention.ts'
import type { AgentDefinition, PinLimits } from '../app/ports/store.ts'
import type { Flow, Hours, PinRules } from '../domain/call/flow.ts'
import type { SmsDefinition } from '../domain/sms/definition.ts'
import type { TicketRules } from '../domain/ticket/clocks.ts'

/** `file` is absolute; `contentHash` changes with what is in it. */
export type PromptText = { text: string } | { file: string; contentHash: string }

export type Line = { name: string; numbers: string[]; flow: string; language: string }

export type ServiceFlow = {
  name: string
  /** Of the flow and of what its prompts say: another text is another flow. */
  hash: string
  flow: Flow
  /** Every prompt that its steps name. */
  promptNames: string[]
}

export type Queue = {
  name: string
  /** Queues that share agents are in one group, and one lock decides for it. */
  group: string
  strategy: 'longest_idle'
  ringMs: number
  /** 0: without end. */
  maxWaitMs: number
  maxWaiting: number
  wrapUpMs: number
  priorityWeightMs: number
  replaces: string[]
}

/** One carrier, in the words of the link (`smpp/settings.ts`). */
export type SmppRoute = {
  window: number
  /** Null: as fast as the window allows. */
  ratePerSecond: number | null
  binds: number
  bindMode: 'transceiver' | 'pair'
  /** 0x34 is SMPP 3.4. */
  interfaceVersion: number
  systemType: string
  serviceType: string
  idForm: 'as_sent' | 'hex_to_decimal' | 'decimal_to_hex' | 'either'
  concatenation: 'udh8' | 'udh16' | 'sar' | 'payload'
  validity: 'relative' | 'absolute'
  sourceEncoding: 'gsm7' | 'latin1'
  receiptTimeZone: string
  /** PEM. Null: the certificates of this machine. */
  ca: string | null
  responseTimeoutMs: number
  enquireLinkMs: number
}

/** `routes` by host, whole: what is not different there is as usual. */
export type Smpp = { usual: SmppRoute; routes: Record<string, SmppRoute> }

export type Service = {
  /** Of all of it; comments and order of sections do not count. */
  hash: string
  /** ISO 3166, for telephone numbers without a country code. */
  country: string
  timeZone: string
  /** Of the lines, each once. */
  languages: string[]
  lines: Line[]
  flows: Record<string, ServiceFlow>
  prompts: Record<string, Record<string, PromptText>>
  /** In the order of the file: the first is where contracts go that name none. */
  queues: Queue[]
  agents: AgentDefinition[]
  hours: Record<string, Hours>
  pin: { rules: PinRules; limits: PinLimits }
  announcements: string[]
  /** Null: the voice that Pforte brings. One line is for the shell, a list is a program with arguments. */
  tts: { command: string | [string, ...string[]] | null }
  /** By name: the endpoint that Asterisk dials out through. */
  trunks: Record<string, { endpoint: string }>
  tickets: Pick<TicketRules, 'dueSoonPercent' | 'faultByDefault' | 'tkg58'>
  /** Null: the file has no status SMS. */
  sms: SmsDefinition | null
  smpp: Smpp
  retention: RetentionRules
  /** How telephone numbers stand in the log. */
  logs: { numbers: 'full' | 'masked' | 'none' }
  /** Whether webhooks may lead to addresses that are not public. */
  webhooks: { allowPrivate: boolean }
}

/** Spoken outside of any flow: `caller_gone`, to an agent who picked up as the caller went. */
export const promptsOfTheHouse = ['caller_gone']
