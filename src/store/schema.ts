/** The tables of `migrations/`, as kysely sees them. Rows hold times as epoch milliseconds; writes take Dates. */
import { sql, type ColumnType, type Generated, type JSONColumnType, type RawBuilder } from 'kysely'
import type { CallOutcome } from '../domain/call/commands.ts'
import type { Flow } from '../domain/call/flow.ts'
import type { PathEntry } from '../domain/call/state.ts'
import type { MessageState, PartState, ReceiptState } from '../domain/sms/message-state.ts'
import type { Scope } from '../app/ports/api-keys.ts'
import type { SlaClock } from '../domain/ticket/sla.ts'
import type { TicketSource, TicketStatus } from '../app/ports/records.ts'
import type { Purged } from '../app/ports/retention.ts'
import type { FlowPrompts } from '../app/ports/store.ts'
import type { Actor } from '../app/ports/writing.ts'

export type Time = ColumnType<number, Date, Date>
export type OptionalTime = ColumnType<number | null, Date | null | undefined, Date | null>

/** A moment in a condition, where kysely expects what a row holds. */
export function moment(at: number): RawBuilder<number> {
  return sql<number>`${new Date(at)}::timestamptz`
}

export type RowAgentState = 'available' | 'paused' | 'offline' | 'reserved' | 'ringing' | 'talking' | 'wrap_up' | 'resting'
export type EntryState = 'waiting' | 'offered' | 'talking' | 'left'

export type Schema = WebhookTables & {
  service_secret: { only_one: Generated<boolean>; key_id: string; check_value: Buffer }
  definitions: { version: Generated<number>; hash: string; synced_at: Time }
  flows: { hash: string; flow: JSONColumnType<Flow>; prompts: JSONColumnType<FlowPrompts>; superseded_at: OptionalTime }
  lines: { name: string; numbers: string[]; flow: string; language: string }
  announcements: {
    name: string
    is_on: Generated<boolean>
    text: ColumnType<Record<string, string>, string | undefined, string>
    prompts: ColumnType<Record<string, string>, string | undefined, string>
    ends_at: OptionalTime
    updated_at: Time
    removed_at: OptionalTime
  }
  queue_groups: { name: string }
  queues: { name: string; group_name: string; max_waiting: number; wrap_up_ms: number; priority_weight_ms: number }
  queue_replacements: { old_name: string; queue: string }
  agents: {
    id: string
    name: string
    endpoint: string
    skills: string[]
    sealed_password: Buffer
    state: RowAgentState
    reason: string | null
    since: Time
    until_at: OptionalTime
    free_since: Time
    call_id: string | null
    offer: number | null
    asked_state: 'paused' | 'offline' | null
    asked_reason: string | null
    removed_at: OptionalTime
  }
  agent_queues: { agent_id: string; queue: string }
  queue_entries: {
    call_id: string
    queue: string
    priority: number
    entered_at: Time
    sort_at: Time
    state: EntryState
    offers: Generated<number>
    agent_id: string | null
    left_at: OptionalTime
  }
  customers: {
    id: string
    customer_number: string
    name: string
    language: string
    time_zone: string
    demo: Generated<boolean>
    created_at: Time
    /** What remains is a row that says so; it is nobody's any more. */
    erased_at: OptionalTime
  }
  retention_runs: {
    id: Generated<number>
    started_at: Time
    ended_at: OptionalTime
    kinds: JSONColumnType<Purged[], string | undefined, string>
  }
  retention_progress: { what: string; done_to: Time }
  customer_phone_numbers: { number: string; customer_id: string; place: number }
  contracts: {
    id: string
    customer_id: string
    service: string
    queue: string
    priority: number
    hours: string
    sla_minutes: number | null
    pin_by_sms: Generated<boolean>
    valid_from: OptionalTime
    valid_to: OptionalTime
    created_at: Time
  }
  pins: {
    id: string
    contract_id: string
    digest: Buffer
    key_id: string
    length: number
    valid_from: OptionalTime
    valid_to: OptionalTime
    created_at: Time
    revoked_at: OptionalTime
    message_id: string | null
  }
  api_keys: {
    id: string
    name: string
    digest: Buffer
    scopes: Scope[]
    requests_per_minute: number | null
    created_at: Time
    expires_at: OptionalTime
    revoked_at: OptionalTime
    last_used_at: OptionalTime
  }
  pin_attempts: { id: Generated<number>; line: string; trunk: string | null; caller: string | null; call_id: string; attempted_at: Time }
  line_guards: { line: string; stepped_up_until: Time }
  calls: {
    id: string
    asterisk: string
    leg: string
    line: string
    dialled: string
    caller: string | null
    trunk: string | null
    language: string
    flow_hash: string
    state: ColumnType<unknown, string | null, string | null>
    customer_id: string | null
    contract_id: string | null
    agent_id: string | null
    queued_at: OptionalTime
    started_at: Time
    answered_at: OptionalTime
    connected_at: OptionalTime
    ended_at: OptionalTime
    outcome: CallOutcome | null
    ticket_id: string | null
    path: ColumnType<PathEntry[], string, string>
  }
  tickets: {
    id: string
    number: string
    customer_id: string | null
    caller: string | null
    subject: string
    status: TicketStatus
    source: TicketSource
    version: number
    call_id: string | null
    created_at: Time
    updated_at: Time
    contract_id: string | null
    queue: string | null
    fault: Generated<boolean>
    reported_at: OptionalTime
    merged_into: string | null
    sla_minutes: number | null
    sla_hours: string | null
    sla_is: SlaClock['is'] | null
    sla_spent_ms: number | null
    sla_since: OptionalTime
    sla_paused_reason: string | null
    sla_due_at: OptionalTime
    sla_told: Generated<number>
    legal_told: Generated<number>
    is_overdue: Generated<boolean>
    notice_given_at: OptionalTime
    clock_at: OptionalTime
    /** It says nothing any more. */
    erased_at: OptionalTime
  }
  ticket_clock_rules: { only_one: Generated<boolean>; digest: string }
  ticket_changes: { ticket_id: string; version: number; status: TicketStatus; changed_at: Time }
  ticket_comments: { id: string; ticket_id: string; author: string; text: string; created_at: Time }
  recordings: {
    id: string
    name: string
    ticket_id: string
    call_id: string | null
    line: string | null
    language: string
    size_bytes: number
    /** Null once it is erased. */
    duration_ms: number | null
    created_at: Time
    erased_at: OptionalTime
  }
  recording_chunks: { recording_id: string; piece: number; data: Buffer }
  messages: {
    id: string
    direction: 'out' | 'in'
    recipient: string
    sender: string
    body: string
    state: MessageState | 'received'
    template: string | null
    ticket_id: string | null
    customer_id: string | null
    tells_status: TicketStatus | null
    tells_version: number | null
    is_answer: Generated<boolean>
    is_stranger: Generated<boolean>
    line: string | null
    time_zone: string | null
    happened_at: Time
    dedupe_key: string | null
    due_at: OptionalTime
    attempt: Generated<number>
    repeats: Generated<number>
    refusals: Generated<number>
    parts: Generated<number>
    sending_by: string | null
    bind: string | null
    route: string | null
    epoch: number | null
    sequence: number | null
    sent_at: OptionalTime
    uncertain_at: OptionalTime
    done_at: OptionalTime
    trace: ColumnType<TraceStep[], string | undefined, string>
    created_at: Time
    sealed_text: Buffer | null
  }
  message_parts: {
    message_id: string
    attempt: number
    part: number
    state: PartState
    route: string
    carrier_id: string | null
    error: string | null
    submitted_at: Time
    done_at: OptionalTime
  }
  receipts: {
    id: Generated<number>
    route: string
    carrier_ids: string[]
    recipient: string | null
    state: ReceiptState
    error: string | null
    done_at: OptionalTime
    received_at: Time
    matched_at: OptionalTime
  }
  reply_piles: { route: string; sender: string; recipient: string; piles: string; expires_at: Time }
  sms_consents: {
    id: Generated<number>
    number: string
    purpose: string
    is_in: boolean
    said_at: Time
    word: string | null
    message_id: string | null
    said_over: string
    /** Of an opt-out that its customer's erasure outlives; its number is a pseudonym. */
    erased_digest: Generated<Buffer | null>
    evidence: Generated<string | null>
  }
  audit: {
    id: Generated<number>
    at: Time
    actor: JSONColumnType<Actor>
    actor_id: Generated<string>
    request_id: string | null
    action: 'created' | 'changed' | 'deleted'
    object: string
    object_id: string
    customer_id: string | null
    before: ColumnType<Record<string, unknown> | null, string | null, string | null>
    after: ColumnType<Record<string, unknown> | null, string | null, string | null>
  }
  idempotency_keys: { api_key: string; digest: Buffer; request_digest: Buffer; sealed_answer: Buffer | null; created_at: Time }
  sms_rules: { only_one: Generated<boolean>; digest: string }
  sms_alarms: { what: string; raised_at: Time; count: number }
  events: {
    id: string
    type: string
    idempotency_digest: Buffer | null
    request_digest: Buffer
    message_ids: string[]
    created_at: Time
  }
}

export type WebhookTables = {
  webhooks: {
    id: string
    url: string
    description: string
    events: string[]
    secret: Buffer
    old_secret: Buffer | null
    old_secret_until: OptionalTime
    disabled_at: OptionalTime
    disabled_why: 'api' | 'gone' | null
    created_at: Time
  }
  webhook_health: { webhook_id: string; failures: number; rests_until: OptionalTime }
  webhooks_removed: { webhook_id: string; removed_at: Time }
  webhook_deliveries: {
    id: Generated<string>
    seq: Generated<number>
    webhook_id: string
    type: string
    object: string
    object_id: string
    data: ColumnType<object, string, never>
    happened_at: ColumnType<number, Date | undefined, Date>
    state: Generated<'pending' | 'delivered' | 'dead'>
    attempts: Generated<number>
    next_at: ColumnType<number, Date | undefined, Date>
    since: ColumnType<number, Date | undefined, Date>
    last_at: OptionalTime
    last_status: number | null
    last_error: string | null
    done_at: OptionalTime
  }
}

/** One step of a message's trace. `what` and `why` are fixed words that tell of nobody. Epoch ms. */
export type TraceStep = { at: number; what: string; why: string }
