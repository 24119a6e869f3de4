/**
 * What the HTTP API and the command line ask of the store: customers,
 * contracts, PINs, tickets, and reading what happened. Shapes are those of the
 * API (times as ISO 8601 strings are made at the HTTP edge; here they are
 * epoch milliseconds).
 */
import type { CallOutcome } from '../../domain/call/commands.ts'
import type { PathEntry } from '../../domain/call/state.ts'
import type { MessageState } from '../../domain/sms/message-state.ts'
import type { SlaState } from '../../domain/ticket/sla.ts'
import type { PrivacyRecords } from './privacy.ts'
import type { SmsReport, SmsReportRequest } from './sms-report.ts'
import type { Announcement } from './store.ts'
import type { Actor } from './writing.ts'

export type Customer = {
  id: string
  /** Typed on the phone beside the PIN once guessing is likely. */
  customerNumber: string
  name: string
  numbers: string[]
  language: string
  timeZone: string
  createdAt: number
}
export type NewCustomer = { name: string; numbers: string[]; language: string; timeZone: string; customerNumber?: string; demo?: boolean }
export type CustomerChange = Partial<Omit<NewCustomer, 'demo'>>
/** `number` is E.164; `name` is how a name begins. */
export type CustomerFilter = { number?: string; customerNumber?: string; name?: string } & TimeRange

export type Contract = {
  id: string
  customerId: string
  service: string
  queue: string
  priority: number
  hours: string
  slaMinutes: number | null
  /** Whether new PINs of it may be sent to the customer's mobile phone. */
  pinBySms: boolean
  validFrom: number | null
  validTo: number | null
}
export type NewContract = Omit<Contract, 'id' | 'pinBySms'> & { pinBySms?: boolean }
export type ContractChange = Partial<Omit<Contract, 'id' | 'customerId'>>

/** What can be told of a PIN after it was issued. `messageId`: of the SMS that brought it. */
export type PinRecord = {
  id: string
  contractId: string
  validFrom: number | null
  validTo: number | null
  createdAt: number
  revokedAt: number | null
  messageId: string | null
}
export type PinIssue = { contractId: string; pin?: string; validFrom?: number; validTo?: number }
/** A PIN that went to the customer's phone, and to nobody else. */
export type SentPin = Omit<IssuedPin, 'pin'> & { messageId: string }
export type IssuedPin = { id: string; contractId: string; pin: string; validFrom: number | null; validTo: number | null; createdAt: number }

export type TicketStatus = 'received' | 'in_progress' | 'completed'
export type TicketSource = 'voicemail' | 'call' | 'api' | 'sms'
export type Ticket = {
  id: string
  number: string
  customerId: string | null
  caller: string | null
  subject: string
  status: TicketStatus
  source: TicketSource
  version: number
  createdAt: number
  updatedAt: number
  voicemail: { durationMs: number } | null
  contractId: string | null
  /** It reports a fault, so that TKG § 58 applies. */
  fault: boolean
  /** The ticket that goes on in its place. */
  mergedInto: string | null
  /** Null: no contract promises a time. */
  sla: TicketSla | null
  /** Null: no fault, or the law does not apply. */
  legal: TicketLegal | null
}
/**
 * What the contract promised. `remainingMs` counts only while its hours are open; below zero it is how much it is over. `dueAt`: null
 * while it is paused; of a completed ticket, when it would have been due.
 */
export type TicketSla = { minutes: number; state: SlaState; dueAt: number | null; remainingMs: number; pausedReason: string | null }
/** The dates of TKG § 58, and what was done by them. */
export type TicketLegal = {
  confirmationSentAt: number | null
  confirmationDeliveredAt: number | null
  /** The end of the day after the report: until then the customer must have been told what is being done. */
  noticeDueAt: number
  noticeSentAt: number | null
  /** Day 3 begins; day 5. */
  compensationFromAt: number
  raisedCompensationFromAt: number
}

export type CallRecord = {
  id: string
  line: string
  caller: string | null
  customerId: string | null
  contractId: string | null
  startedAt: number
  answeredAt: number | null
  endedAt: number | null
  outcome: CallOutcome | null
  agentId: string | null
  waitMs: number | null
  talkMs: number | null
  ticketId: string | null
  path: PathEntry[]
}

export type CallFilter = {
  caller?: string
  customerId?: string
  /** The one that was made of the call. */
  ticketId?: string
  line?: string
  outcome?: CallOutcome
} & TimeRange

export type AgentState = 'available' | 'paused' | 'offline' | 'reserved' | 'ringing' | 'talking' | 'wrap_up'
export type AgentRecord = {
  id: string
  name: string
  endpoint: string
  state: AgentState
  reason: string | null
  since: number
  queues: string[]
  skills: string[]
  callId: string | null
}
export type QueueRecord = {
  name: string
  waiting: { callId: string; position: number; priority: number; sinceAt: number; expectedWaitMs: number | null }[]
  agents: { id: string; state: AgentState }[]
}
export type LineRecord = { name: string; numbers: string[]; flow: string; language: string }

/** Newest first. `cursor` is opaque, from the page before. */
export type Page<T> = { items: T[]; next: string | null }
export type PageRequest = { limit: number; cursor: string | null }

/** Thrown by lists for a cursor that no page gave. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor'
}

export type TimeRange = { from?: number; to?: number }

/** What there is of the demo: nothing yet, all, or what a start that was cut short left. `pinIds` are those that have not been revoked. */
export type DemoRows = { customerId: string | null; contractId: string | null; pinIds: string[] }

export type MessageDirection = 'out' | 'in'
export type MessageRecordState = MessageState | 'received'
/** `parts` have the carrier's id once it gave one. `trace` tells step by step what was decided and why. */
export type MessageRecord = {
  id: string
  direction: MessageDirection
  to: string
  from: string
  text: string
  template: string | null
  ticketId: string | null
  customerId: string | null
  state: MessageRecordState
  parts: { messageId: string | null; state: string }[]
  trace: { at: number; what: string; why: string }[]
  createdAt: number
}
export type MessageFilter = {
  ticketId?: string
  customerId?: string
  to?: string
  from?: string
  direction?: MessageDirection
  state?: MessageRecordState
  template?: string
} & { since?: number; until?: number }

/** `contractId`: null where the contract is to be found by the customer. `fault`: as `pforte.yaml` says where not given. */
export type NewTicketRequest = {
  subject: string
  caller: string | null
  customerId: string | null
  status: TicketStatus
  contractId?: string | null
  fault?: boolean
}
/** Only what is given changes. `version`: refused if the ticket has another by now. */
export type TicketChange = {
  status?: TicketStatus
  subject?: string
  /** With the contract that a ticket of theirs would get, unless `contractId` is given too; null: nobody's. */
  customerId?: string | null
  contractId?: string | null
  fault?: boolean
  slaPaused?: boolean
  pausedReason?: string
  /** The customer was told by other means than SMS what is being done; null: they were not. */
  noticeSentAt?: number | null
  version?: number
}
export type TicketFilter = {
  status?: TicketStatus
  caller?: string
  customerId?: string
  number?: string
  /** Of the contract. */
  queue?: string
  fault?: boolean
  overdue?: boolean
  mergedInto?: string
} & TimeRange
export type TicketComment = { id: string; ticketId: string; author: string; text: string; createdAt: number }

/** Another system's event. `to` is E.164. The same idempotency key of an API key (`keyId`) with the same request brings the same answer. */
export type EventRequest = {
  keyId: string
  type: string
  to: string | null
  customerId: string | null
  data: Record<string, string>
  idempotencyKey: string | null
}
/** `isReplay`: it was there already. */
export type EventRecord = { id: string; messageIds: string[]; isReplay: boolean }

/** Of a change only what changed, under the names of the fields; secrets never. */
export type AuditRecord = {
  id: string
  at: number
  actor: Actor
  requestId: string | null
  action: 'created' | 'changed' | 'deleted'
  object: string
  objectId: string
  customerId: string | null
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}
/** `actor`: the id of an API key, a user at the command line, or a part of Pforte. */
export type AuditFilter = { object?: string; objectId?: string; customerId?: string; actor?: string } & TimeRange

export type Refusal = { refused: 'not_found' | 'conflict' | 'invalid' | 'key_reused'; field?: string; message: string }
export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal }

export interface Records extends PrivacyRecords {
  createCustomer(customer: NewCustomer, at: number): Promise<Result<Customer>>
  customer(id: string): Promise<Customer | null>
  customers(filter: CustomerFilter, page: PageRequest): Promise<Page<Customer>>
  changeCustomer(id: string, change: CustomerChange, at: number): Promise<Result<Customer>>
  /** Customer numbers that are longer than what can be typed now, and how many digits the longest has. */
  untypableCustomerNumbers(): Promise<{ customers: number; longest: number }>
  createContract(contract: NewContract, at: number): Promise<Result<Contract>>
  contract(id: string): Promise<Contract | null>
  /** Null: there is no such customer. */
  contracts(customerId: string, page: PageRequest): Promise<Page<Contract> | null>
  changeContract(id: string, change: ContractChange): Promise<Result<Contract>>
  /** Never their digits. Null: there is no such contract. */
  pins(contractId: string, page: PageRequest): Promise<Page<PinRecord> | null>
  /** Draws at random without collision, or takes the given one. The only answer that ever holds the PIN. */
  issuePin(issue: PinIssue, at: number): Promise<Result<IssuedPin>>
  /** The same, by SMS, if the contract allows it and there is a number that can get one. No answer ever holds the PIN. */
  sendPin(issue: PinIssue, at: number): Promise<Result<SentPin>>
  revokePin(id: string, at: number): Promise<Result<null>>

  /** @param at which the clocks show; now where not given */
  tickets(filter: TicketFilter, page: PageRequest, at?: number): Promise<Page<Ticket>>
  ticket(id: string, at?: number): Promise<Ticket | null>
  /** Enters just this status, and tells it by SMS. */
  createTicket(ticket: NewTicketRequest, at: number): Promise<Result<Ticket>>
  /** Along allowed ways only. A change that changes nothing does nothing. */
  changeTicket(id: string, change: TicketChange, at: number): Promise<Result<Ticket>>
  /** From now on `into` goes on in its place; nobody is told. Answers the merged one. */
  mergeTicket(id: string, into: string, version: number | undefined, at: number): Promise<Result<Ticket>>
  comment(ticketId: string, comment: { author: string; text: string }, at: number): Promise<Result<TicketComment>>
  /** Null: there is no such ticket. */
  comments(ticketId: string, page: PageRequest): Promise<Page<TicketComment> | null>
  messages(filter: MessageFilter, page: PageRequest): Promise<Page<MessageRecord>>
  message(id: string): Promise<MessageRecord | null>
  postEvent(event: EventRequest, at: number): Promise<Result<EventRecord>>
  /** Also rejects with `StoreUnavailable` when it takes Postgres too long. */
  smsReport(request: SmsReportRequest): Promise<SmsReport>
  /** Reads a part of the recording; `from`/`to` are byte offsets, `to` exclusive. */
  voicemail(ticketId: string): Promise<{ size: number; read(from: number, to: number): AsyncIterable<Buffer> } | null>

  calls(filter: CallFilter, page: PageRequest): Promise<Page<CallRecord>>
  call(id: string): Promise<CallRecord | null>
  lines(): Promise<LineRecord[]>
  queues(at: number): Promise<QueueRecord[]>
  agents(): Promise<AgentRecord[]>
  /** Only `available`, `paused`, `offline` can be asked for; an agent in a conversation is paused after it. */
  setAgentState(id: string, state: 'available' | 'paused' | 'offline', reason: string | null, at: number): Promise<Result<AgentRecord>>
  audit(filter: AuditFilter, page: PageRequest): Promise<Page<AuditRecord>>
  putAnnouncement(announcement: Announcement, at: number): Promise<Result<Announcement>>
  announcementNames(): Promise<string[]>
  /** What a demo may build on; null once somebody has entered a customer of their own. */
  demo(): Promise<DemoRows | null>
}
