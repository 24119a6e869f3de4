/** What stories about the store begin with: a service as pforte.yaml defines it, customers, calls. */
import assert from 'node:assert/strict'
import type { Definitions, CallRow, PinQuestion } from '../../src/app/ports/store.ts'
import type { Records } from '../../src/app/ports/records.ts'
import type { Flow } from '../../src/domain/call/flow.ts'
import type { Store } from '../../src/store/open.ts'

/** A moment in the trade: 2026-03-02, a Monday, 09:00 in Berlin. */
export const monday = Date.UTC(2026, 2, 2, 8)

export const flow: Flow = {
  name: 'hotline',
  start: 'bye',
  steps: { bye: { kind: 'hang_up', outcome: 'informed' } },
  pin: { length: 5, customerNumberLength: 6, firstDigitMs: 5000, betweenDigitsMs: 4000, totalMs: 20_000, tries: 3 },
  queues: { emergency: { ringMs: 15_000, maxWaitMs: 0 } },
  hours: {},
}

/** Queues `emergency` and `billing` share agents; `sales` is a group of its own. */
export function definitions(agents: Definitions['agents'], changes: Partial<Definitions> = {}): Definitions {
  return {
    hash: 'file-1',
    flows: [{ hash: 'flow-1', flow, prompts: { welcome: { de: 'abc' } } }],
    queues: [
      { name: 'emergency', group: 'support', maxWaiting: 0, wrapUpMs: 20_000, priorityWeightMs: 60_000 },
      { name: 'billing', group: 'support', maxWaiting: 0, wrapUpMs: 20_000, priorityWeightMs: 60_000 },
      { name: 'sales', group: 'sales', maxWaiting: 2, wrapUpMs: 0, priorityWeightMs: 60_000 },
    ],
    agents,
    lines: [{ name: 'hotline', numbers: ['+4962155501'], flow: 'hotline', language: 'de' }],
    announcements: ['outage'],
    replaces: {},
    ...changes,
  }
}

export function agent(id: string, queues: string[] = ['emergency', 'billing']): Definitions['agents'][number] {
  return { id, name: id[0]!.toUpperCase() + id.slice(1), endpoint: `sip-${id}`, queues, skills: [] }
}

/** Syncs the definitions, with these agents idle in the order given. */
export async function serviceWith(store: Store, agentIds: string[], changes: Partial<Definitions> = {}): Promise<void> {
  const { problems } = await store.calls.syncDefinitions(
    definitions(
      agentIds.map((id) => agent(id)),
      changes,
    ),
    monday - 3_600_000,
  )
  assert.deepEqual(problems, [])
  for (const [place, id] of agentIds.entries()) {
    await store.records.setAgentState(id, 'paused', 'coffee', monday - 2_000_000)
    await store.records.setAgentState(id, 'available', null, monday - 1_000_000 + place)
  }
}

/** A customer with one contract and one PIN. */
export async function customerWithPin(
  records: Records,
  pin: string,
  { number, priority = 10, queue = 'emergency' }: { number?: string; priority?: number; queue?: string } = {},
) {
  const customer = valueOf(
    await records.createCustomer(
      { name: 'Marta Weber', numbers: number === undefined ? [] : [number], language: 'de', timeZone: 'Europe/Berlin' },
      monday,
    ),
  )
  const contract = valueOf(
    await records.createContract(
      {
        customerId: customer.id,
        service: 'Entstörung 8 h',
        queue,
        priority,
        hours: 'always',
        slaMinutes: 480,
        validFrom: null,
        validTo: null,
      },
      monday,
    ),
  )
  const issued = valueOf(await records.issuePin({ contractId: contract.id, pin }, monday))
  return { customer, contract, pin: issued }
}

export function valueOf<T>(result: { ok: true; value: T } | { ok: false; refusal: unknown }): T {
  assert(result.ok, JSON.stringify(result))
  return result.value
}

export function question(pin: string, changes: Partial<PinQuestion> = {}): PinQuestion {
  return { callId: 'call-1', line: 'hotline', trunk: 'carrier', caller: '+4962112345', pin, customerNumber: null, at: monday, ...changes }
}

export function callRow(id: string, changes: Partial<CallRow> = {}): CallRow {
  return {
    id,
    asterisk: 'pbx',
    leg: `leg-${id}`,
    line: 'hotline',
    dialled: '+4962155501',
    caller: '+4962112345',
    trunk: 'carrier',
    language: 'de',
    flowHash: 'flow-1',
    state: { phase: 'active' },
    customerId: null,
    contractId: null,
    agentId: null,
    queuedAt: null,
    startedAt: monday,
    answeredAt: monday,
    connectedAt: null,
    endedAt: null,
    outcome: null,
    path: [{ step: 'welcome', enteredAt: monday, outcome: null }],
    ...changes,
  }
}
