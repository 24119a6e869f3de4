/** Puts the store together: one pool, and behind the two ports a file for each idea. */
import type { ApiKeys } from '../app/ports/api-keys.ts'
import type { LiveStore } from '../app/ports/live.ts'
import type { Log } from '../app/ports/log.ts'
import { plainTicketRules, type TicketRules } from '../domain/ticket/clocks.ts'
import type { AgentDefinition, CallRow, CallStore, PinLimits } from '../app/ports/store.ts'
import type { CustomerImports } from '../app/ports/imports.ts'
import type { Outbox } from '../app/ports/outbox.ts'
import type { ReceiptStore } from '../app/ports/receipts.ts'
import type { Records } from '../app/ports/records.ts'
import type { DeliveryOutbox, Webhooks } from '../app/ports/webhooks.ts'
import type { RetentionStore } from '../app/ports/retention.ts'
import type { TicketClockStore } from '../app/ports/ticket-clocks.ts'
import type { Writing } from '../app/ports/writing.ts'
import { Agents } from './agents.ts'
import { Announcements } from './announcements.ts'
import { apiKeys } from './api-keys.ts'
import { Audit } from './audit.ts'
import { CallRecords } from './call-records.ts'
import { Calls } from './calls.ts'
import { Connections, defaultWaits, type Waits } from './connections.ts'
import { Contracts } from './contracts.ts'
import { Customers } from './customers.ts'
import { DefinitionsSync } from './definitions.ts'
import { JobOrders } from './jobs/orders.ts'
import { PostgresImports } from './import/customer-imports.ts'
import { LongWriting } from './import/long-writing.ts'
import { Keys } from './keys.ts'
import { Leases } from './lease.ts'
import { liveStore } from './live-store.ts'
import { LongReading } from './long-reading.ts'
import { migrate } from './migrate.ts'
import { PhoneNumbers } from './phone-numbers.ts'
import { PinGate } from './pin-gate.ts'
import { Pins } from './pins.ts'
import { Erasure } from './privacy/erase.ts'
import { CustomerExport } from './privacy/export.ts'
import { Retention } from './privacy/retention.ts'
import { Queue } from './queue.ts'
import { refuseOtherSecret, requireSameSecret } from './secret.ts'
import { ServiceRecords } from './service-records.ts'
import { Consents } from './sms/consents.ts'
import { SmsEvents } from './sms/events.ts'
import { PostgresOutbox } from './sms/outbox.ts'
import { receiptStore } from './sms/receipts.ts'
import { SmsIntents, type SmsListeners } from './sms/intents.ts'
import { Messages } from './sms/messages.ts'
import { SmsReports } from './sms/reports.ts'
import { TicketChanges } from './ticket-changes.ts'
import { TicketComments } from './ticket-comments.ts'
import { tellingChanges } from './telling.ts'
import { TicketClockSets } from './ticket-clock-store.ts'
import { TicketMerge } from './ticket-merge.ts'
import { Tickets } from './ticket-records.ts'
import { Voicemails } from './voicemails.ts'
import { PostgresDeliveries, webhookStore, WebhookRecords } from './webhooks/open.ts'
import { PostgresWriting } from './writing.ts'

/** What `pforte.yaml` says of how things are judged and read. */
export type StoreRules = {
  pinLimits: PinLimits
  pinLength: number
  customerNumberLength: number
  /** ISO 3166; numbers without a country code are read as numbers of it. */
  country: string
  /** What the clocks of tickets go by; round the clock, and in UTC, where not given. */
  tickets?: TicketRules
}

export type StoreOptions = StoreRules & {
  /** `postgres://user:password@host:port/database` */
  databaseUrl: string
  /** Root of derived keys, at least 16 bytes. */
  secret: Buffer
  log: Log
  /** `apply` brings the database up to date first; `check` refuses one that is not, and opening it writes nothing. */
  migrations?: 'apply' | 'check'
  waits?: Waits
  /** Epoch milliseconds. */
  now?: () => number
}

export type Store = {
  calls: CallStore
  records: Records
  apiKeys: ApiKeys
  writing: Writing
  imports: CustomerImports
  outbox: Outbox
  receipts: ReceiptStore
  live: LiveStore
  retention: RetentionStore
  ticketClocks: TicketClockStore
  /** Orders background work, which `openJobs` does. */
  jobs: JobOrders
  webhooks: Webhooks
  deliveries: DeliveryOutbox
  /** Taken and not given back connections; 0 when nothing is under way. */
  readonly connectionsInUse: number
  /** Draws a SIP password for this agent, who need not be known yet, in place of the one before. */
  newAgentPassword(agent: AgentDefinition): Promise<string>
  /** `pforte.yaml` was read again: its rules from now on. */
  useRules(rules: StoreRules): void
  /** Settles when Postgres answers. @throws StoreUnavailable */
  ping(): Promise<void>
  close(): Promise<void>
}

const pingStatement = { name: 'ping', text: 'SELECT 1' }

/**
 * @throws StoreRefused for what no retry mends (another secret, a newer database, an old server, no access)
 * @throws StoreUnavailable when Postgres cannot be reached
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { databaseUrl, log, now = Date.now, waits = defaultWaits } = options
  const migrations = options.migrations ?? 'apply'
  await migrate(databaseUrl, log, migrations)
  const connections = new Connections(databaseUrl, log, waits)
  const keys = new Keys(options.secret)
  const numbers = new PhoneNumbers(options.country)
  const gate = new PinGate(connections, keys, numbers, options.pinLimits, options.pinLength)
  try {
    await (migrations === 'apply' ? requireSameSecret : refuseOtherSecret)(connections, keys)
    await gate.guessChance(now())
  } catch (error) {
    await connections.close()
    throw error
  }

  const keysOfApi = apiKeys(connections, now)
  const leases = new Leases(databaseUrl, log)
  const longReading = new LongReading(databaseUrl, log)
  const listeners: SmsListeners = { onDue: [], onAlarm: [] }
  const sms = new SmsIntents(connections, listeners, log, (number) => keys.erasedDigest(number))
  sms.ticketRules = options.tickets ?? plainTicketRules
  const parts = {
    agents: new Agents(connections, keys),
    announcements: new Announcements(connections),
    audit: new Audit(connections),
    callRecords: new CallRecords(connections),
    calls: new Calls(connections),
    consents: new Consents(connections, sms),
    contracts: new Contracts(connections),
    customers: new Customers(connections, numbers, options.customerNumberLength),
    customerExport: new CustomerExport(connections, keys),
    definitions: new DefinitionsSync(connections, keys),
    erasure: new Erasure(connections, keys, () => gate.pinsChanged()),
    gate,
    leases,
    messages: new Messages(connections),
    pins: new Pins(connections, keys, options.pinLength, sms, () => void connections.whenCommitted(() => gate.pinsChanged())),
    queue: new Queue(connections, now),
    retention: new Retention(connections, keys),
    service: new ServiceRecords(connections),
    ticketChanges: new TicketChanges(connections, numbers, sms),
    ticketComments: new TicketComments(connections),
    ticketMerge: new TicketMerge(connections, sms),
    tickets: new Tickets(connections, () => sms.ticketRules, now),
    smsEvents: new SmsEvents(connections, sms),
    smsReports: new SmsReports(longReading),
    voicemails: new Voicemails(connections, numbers, sms, keys),
  }
  const imports = new PostgresImports(
    connections,
    new LongWriting(databaseUrl, log),
    keys,
    numbers,
    { pin: options.pinLength, customerNumber: options.customerNumberLength },
    () => gate.pinsChanged(),
  )
  const webhookRecords = new WebhookRecords(connections, keys)
  const close = async (): Promise<void> => {
    // Whoever looks again at what is held leaves off.
    sms.definition = null
    longReading.close()
    await leases.close()
    await keysOfApi.close()
    await connections.close()
  }
  return {
    calls: tellingChanges(callStore(parts, numbers, now, close), connections.changes.committed),
    records: recordsOf(parts, now),
    apiKeys: keysOfApi,
    writing: new PostgresWriting(connections, keys),
    outbox: new PostgresOutbox(connections, keys, leases, sms, listeners, numbers),
    receipts: receiptStore(connections),
    imports,
    live: liveStore(connections.changes, parts),
    retention: parts.retention,
    ticketClocks: new TicketClockSets(connections, sms),
    jobs: new JobOrders(connections),
    webhooks: webhookStore(connections, webhookRecords),
    deliveries: new PostgresDeliveries(connections, webhookRecords),
    get connectionsInUse() {
      return connections.inUse
    },
    useRules({ pinLimits, pinLength, customerNumberLength, country, tickets = plainTicketRules }) {
      gate.useRules(pinLimits, pinLength)
      parts.pins.useLength(pinLength)
      parts.customers.useNumberLength(customerNumberLength)
      imports.useLengths({ pin: pinLength, customerNumber: customerNumberLength })
      numbers.useCountry(country)
      sms.ticketRules = tickets
    },
    newAgentPassword: (agent) => parts.agents.newPassword(agent, now()),
    async ping() {
      await connections.run(pingStatement, [])
    },
    close,
  }
}

type Parts = {
  agents: Agents
  announcements: Announcements
  audit: Audit
  callRecords: CallRecords
  calls: Calls
  consents: Consents
  contracts: Contracts
  customers: Customers
  customerExport: CustomerExport
  definitions: DefinitionsSync
  erasure: Erasure
  gate: PinGate
  leases: Leases
  messages: Messages
  pins: Pins
  queue: Queue
  retention: Retention
  service: ServiceRecords
  ticketChanges: TicketChanges
  ticketComments: TicketComments
  ticketMerge: TicketMerge
  tickets: Tickets
  smsEvents: SmsEvents
  smsReports: SmsReports
  voicemails: Voicemails
}

function callStore(
  { agents, announcements, calls, definitions, gate, leases, queue, voicemails }: Parts,
  numbers: PhoneNumbers,
  now: () => number,
  close: () => Promise<void>,
): CallStore {
  // Whichever way a call's row comes in, its caller is written in the one form in which callers are looked for.
  const kept = (row: CallRow): CallRow => ({ ...row, caller: numbers.caller(row.caller) })
  const withKept = <T extends { row?: CallRow }>(request: T): T =>
    request.row === undefined ? request : { ...request, row: kept(request.row) }
  return {
    saveCalls: (rows) => calls.save(rows.map(kept)),
    openCalls: (asterisk) => calls.open(asterisk),
    flowByHash: (hash) => calls.flowByHash(hash),
    checkPin: (question) => gate.check(question),
    enterQueue: (entry) => queue.enter(withKept(entry)),
    leaveQueue: async (callId, at) => {
      await queue.leave(callId, at)
    },
    dispatch: (name, at) => queue.dispatch(name, at),
    acceptOffer: (offer, row, at) => agents.acceptOffer(offer, row === null ? null : kept(row), at),
    releaseAgent: (request) => queue.lookAfter((run) => agents.release(run, withKept(request)), request.queue, request.at),
    releaseStrays: (asterisk, held, at) => agents.releaseStrays(asterisk, held, at),
    keepVoicemail: (request) => voicemails.keep(request),
    voicemailWasEmpty: (callId) => voicemails.wasEmpty(callId),
    announcements: () => announcements.list(),
    syncDefinitions: (given, at) => definitions.sync(given, at),
    agentPasswords: () => agents.passwords(),
    guessChance: () => gate.guessChance(now()),
    takeLease: (key, onStandBy) => leases.take(key, onStandBy),
    close,
  }
}

function recordsOf(
  {
    agents,
    announcements,
    audit,
    callRecords,
    consents,
    contracts,
    customerExport,
    customers,
    erasure,
    messages,
    pins,
    retention,
    service,
    smsEvents,
    smsReports,
    ticketChanges,
    ticketComments,
    ticketMerge,
    tickets,
    voicemails,
  }: Parts,
  now: () => number,
): Records {
  return {
    createCustomer: (customer, at) => customers.create(customer, at),
    customer: (id) => customers.get(id),
    customers: (filter, page) => customers.list(filter, page),
    changeCustomer: (id, change, at) => customers.change(id, change, at),
    untypableCustomerNumbers: () => customers.untypable(),
    createContract: (contract, at) => contracts.create(contract, at),
    contract: (id) => contracts.get(id),
    contracts: (customerId, page) => contracts.ofCustomer(customerId, page),
    changeContract: (id, change) => contracts.change(id, change),
    pins: (contractId, page) => pins.list(contractId, page),
    issuePin: (issue, at) => pins.issue(issue, at),
    sendPin: (issue, at) => pins.send(issue, at),
    revokePin: (id, at) => pins.revoke(id, at),
    tickets: (filter, page, at) => tickets.list(filter, page, at),
    ticket: (id, at) => tickets.get(id, at),
    createTicket: (ticket, at) => ticketChanges.create(ticket, at),
    changeTicket: (id, change, at) => ticketChanges.change(id, change, at),
    mergeTicket: (id, into, version, at) => ticketMerge.merge(id, into, version, at),
    comment: (ticketId, comment, at) => ticketComments.add(ticketId, comment, at),
    comments: (ticketId, page) => ticketComments.list(ticketId, page),
    messages: (filter, page) => messages.list(filter, page),
    message: (id) => messages.get(id),
    postEvent: (event, at) => smsEvents.post(event, at),
    smsReport: (request) => smsReports.report(request),
    voicemail: (ticketId) => voicemails.read(ticketId),
    calls: (filter, page) => callRecords.list(filter, page),
    call: (id) => callRecords.get(id),
    lines: () => service.lines(),
    queues: (at) => service.queues(at),
    agents: () => agents.list(now()),
    setAgentState: (id, state, reason, at) => agents.setState(id, state, reason, at),
    audit: (filter, page) => audit.list(filter, page),
    putAnnouncement: (announcement, at) => announcements.put(announcement, at),
    announcementNames: async () => (await announcements.list()).map(({ name }) => name),
    demo: () => customers.demo(),
    retentionRuns: (page) => retention.runs(page),
    eraseCustomer: (id, at) => erasure.erase(id, at),
    exportCustomer: (id, at) => customerExport.of(id, at),
    consents: (number) => consents.standing(number),
    sayConsent: (said, at) => consents.say(said, at),
  }
}
