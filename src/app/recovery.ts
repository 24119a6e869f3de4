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
import type { CallRow, CallStore, HeldPlace } from './ports/store.ts'
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
 * Brings calls from rows into memory and reconciles with the PBX. `rows` is
 * null when only the socket was away: then memory is the truth. Answers what is being recorded right now, which the voicemail
 * keeper must leave alone; null when the PBX could not be asked.
 */
export async function recover(deps: RecoveryDeps, rows: CallRow[] | null): Promise<Set<string> | null> {
  const { calls, telephony, log } = deps
  for (const row of rows ?? []) await adoptRow(deps, row)
  if (rows !== null) await releaseStrays(deps)

  const recordings = calls.underWay.map((call) => recordingOf(call.facts.id, call.state.visit))
  const answer = await telephony.observe(recordings)
  if (!answer.ok) {
    log.warn({ why: answer.why, detail: answer.detail }, 'the PBX did not say what it kept; asked again at the next connect')
    return null
  }
  const observed = answer.value
  const live = new Set(observed.liveRecordings)

  for (const call of calls.underWay) resumeCall(call, observed, live)
  takeDownStrays(deps, observed)
  for (const leg of observed.legs) {
    if (leg.dialled === null || calls.byLeg(leg.leg) !== undefined) continue
    log.warn({ dialled: leg.dialled }, 'a caller whom no row knows starts anew')
    calls.arrived({ leg: leg.leg, dialled: leg.dialled, caller: leg.caller, trunk: leg.trunk, at: deps.now() })
  }
  return live
}

async function adoptRow(deps: RecoveryDeps, row: CallRow): Promise<void> {
  const { calls, store, log } = deps
  if (calls.get(row.id) !== undefined) return
  const kept = await store.flowByHash(row.flowHash)
  const state = kept === null ? null : stateFromRow(row.state)
  if (kept === null || state === null) {
    log.error(
      { call: row.id, flow: row.flowHash },
      'this call cannot be resumed: its flow or state is not readable; it starts anew if the caller is still there',
    )
    await store.saveCalls([{ ...row, endedAt: deps.now(), outcome: 'failed' }])
    return
  }
  const { id, leg, line, dialled, caller, trunk, startedAt } = row
  calls.adopt({ id, leg, line, dialled, caller, trunk, startedAt }, { hash: row.flowHash, ...kept }, state)
}

/** Before any call goes on, so that nobody who is offered anew is let go by mistake. */
async function releaseStrays({ asterisk, calls, store, log, now }: RecoveryDeps): Promise<void> {
  const held: HeldPlace[] = []
  for (const { facts, state } of calls.underWay) {
    const { doing } = state
    if (doing.what === 'ringing' || doing.what === 'talking') held.push({ callId: facts.id, agentId: doing.agentId })
    else if (doing.what === 'waiting' || doing.what === 'entering_queue') held.push({ callId: facts.id, agentId: null })
  }
  const freed = await untilStored(() => store.releaseStrays(asterisk, held, now()))
  if (freed !== null && freed > 0) log.info({ freed }, 'agents and places in queues of calls that are over were let go')
}

function resumeCall(call: CallRunner, observed: Observed, live: Set<string>): void {
  if (call.state.phase === 'ended') return
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
    void telephony.send({ do: 'hangUp', leg })
  }
  for (const { bridge } of observed.bridges) {
    const id = callOf(bridge)
    if (id === null) continue
    const call = calls.get(id)
    if (call === undefined || call.state.phase === 'ended') void telephony.send({ do: 'destroyBridge', bridge })
  }
}
