/**
 * After a start, a restart or a lost connection: what the PBX kept for us is
 * compared with what we know, and every call is put back where it stood.
 *
 * The PBX keeps our channels, with music and media running, and tells nobody
 * what happened meanwhile. So: each call that is written down or in memory is
 * resumed with what was found of it; a row without a channel is closed; a
 * channel without a row is a new call; whatever else is ours and nobody's
 * (agent legs, bridges) is taken down.
 */
import { resume, type ObservedCall } from '../domain/call/resume.ts'
import { stateFromRow } from '../domain/call/state.ts'
import type { CallRunner } from './calls/call-runner.ts'
import type { Calls } from './calls/calls.ts'
import { bridgeOf, callOf, legNameOf, recordingOf } from './calls/ids.ts'
import type { CallStore, HeldPlace, OpenCall } from './ports/store.ts'
import type { Log } from './ports/log.ts'
import type { Observed, Telephony } from './ports/telephony.ts'
import { untilStored } from './store-patience.ts'

export type RecoveryDeps = {
  asterisk: string
  telephony: Telephony
  store: CallStore
  calls: Calls
  log: Log
  now: () => number
}

/**
 * Brings calls from rows into memory, before any of them goes on. Gives up
 * when `wanted` says so: this process is ending.
 */
export async function adoptRows(deps: RecoveryDeps, found: OpenCall[], wanted: () => boolean): Promise<void> {
  const flows = new Map<string, KeptFlow | null>()
  for (const call of found) await adoptRow(deps, call, flows, wanted)
  await releaseStrays(deps, wanted)
}

/**
 * Puts every call in memory where it stands on the PBX. Answers what is being
 * recorded right now, which the voicemail keeper must leave alone; null when
 * the PBX did not answer.
 */
export async function reconcile(deps: RecoveryDeps): Promise<Set<string> | null> {
  const { calls, telephony, log } = deps
  const recordings = calls.underWay.map((call) => recordingOf(call.facts.id, call.state.visit))
  const answer = await telephony.observe(recordings)
  if (!answer.ok) {
    log.warn({ why: answer.why, detail: answer.detail }, 'the PBX did not say what it kept; asked again')
    return null
  }
  const observed = answer.value
  const live = new Set(observed.liveRecordings)

  for (const call of calls.underWay) resumeCall(call, observed, live)
  takeDownStrays(deps, observed)
  const leaving = calls.leavingAmong(observed.legs.map(({ leg }) => leg))
  for (const leg of leaving) telephony.tell({ do: 'hangUp', leg })
  for (const leg of observed.legs) {
    if (leg.dialled === null || calls.byLeg(leg.leg) !== undefined || leaving.includes(leg.leg)) continue
    log.warn({ dialled: leg.dialled }, 'a caller whom no row knows starts anew')
    calls.arrived({ leg: leg.leg, dialled: leg.dialled, caller: leg.caller, trunk: leg.trunk, at: deps.now() })
  }
  return live
}

type KeptFlow = Awaited<ReturnType<CallStore['flowByHash']>>

async function adoptRow(deps: RecoveryDeps, { row, known }: OpenCall, flows: Map<string, KeptFlow>, wanted: () => boolean): Promise<void> {
  const { calls, store, log } = deps
  if (calls.get(row.id) !== undefined) return
  // Mostly it is one flow for all of them.
  if (!flows.has(row.flowHash)) flows.set(row.flowHash, await untilStored(() => store.flowByHash(row.flowHash), wanted))
  if (!wanted()) return
  const kept = flows.get(row.flowHash) ?? null
  const state = kept === null ? null : stateFromRow(row.state)
  if (kept === null || state === null) {
    log.error(
      { call: row.id, flow: row.flowHash },
      'this call cannot be resumed: its flow or state is not readable; it starts anew if the caller is still there',
    )
    await untilStored(() => store.saveCalls([{ ...row, endedAt: deps.now(), outcome: 'failed' }]), wanted)
    return
  }
  const { id, leg, line, dialled, caller, trunk, startedAt } = row
  calls.adopt({ id, leg, line, dialled, caller, trunk, startedAt }, { hash: row.flowHash, ...kept }, state).known = known
}

/** Before any call goes on, so that nobody who is offered anew is let go by mistake. */
async function releaseStrays({ asterisk, calls, store, log, now }: RecoveryDeps, wanted: () => boolean): Promise<void> {
  const held: HeldPlace[] = []
  for (const { facts, state } of calls.underWay) {
    const { doing } = state
    if (doing.what === 'ringing' || doing.what === 'talking') held.push({ callId: facts.id, agentId: doing.agentId })
    else if (doing.what === 'waiting' || doing.what === 'entering_queue') held.push({ callId: facts.id, agentId: null })
  }
  const freed = await untilStored(() => store.releaseStrays(asterisk, held, now()), wanted)
  if (freed !== null && freed > 0) log.info({ freed }, 'agents and places in queues of calls that are over were let go')
}

function resumeCall(call: CallRunner, observed: Observed, live: Set<string>): void {
  if (call.state.phase === 'ended') return call.forgetGoodbyes()
  const { id, leg } = call.facts
  const found: ObservedCall = {
    at: observed.at,
    callerPresent: observed.legs.some((one) => one.leg === leg),
    recordingLive: live.has(recordingOf(id, call.state.visit)),
    legs: [],
    bridged: false,
  }
  for (const one of observed.legs) {
    const name = callOf(one.leg) === id ? legNameOf(one.leg) : null
    if (name !== null) found.legs.push({ leg: name, state: one.state === 'up' ? 'up' : 'ringing' })
  }
  const bridge = observed.bridges.find((one) => one.bridge === bridgeOf(id))
  found.bridged = bridge?.legs.includes(leg) === true && bridge.legs.length >= 2
  call.resume((flow, state) => resume(flow, state, found))
}

/** Agent legs and bridges of calls that are over. Callers' legs are never taken down here. */
function takeDownStrays({ calls, telephony, log }: RecoveryDeps, observed: Observed): void {
  for (const { leg, dialled } of observed.legs) {
    if (dialled !== null) continue
    const call = calls.get(callOf(leg) ?? '')
    if (call !== undefined && call.state.phase !== 'ended') continue
    log.info({ leg }, 'a phone that rang for a call which is over is let go')
    telephony.tell({ do: 'hangUp', leg })
  }
  for (const { bridge } of observed.bridges) {
    const id = callOf(bridge)
    if (id === null) continue
    const call = calls.get(id)
    if (call === undefined || call.state.phase === 'ended') telephony.tell({ do: 'destroyBridge', bridge })
  }
}
