/** Does what the core wants done for a call, one command at a time. */
import type { CallCommand } from '../../domain/call/commands.ts'
import { untilStored } from '../store-patience.ts'
import { type CallInHand, isStillIn } from './call-in-hand.ts'
import type { CallTimers } from './call-timers.ts'
import { describeCaller } from './caller-id.ts'
import type { Goodbyes } from './goodbyes.ts'
import { bridgeOf, outgoingLeg, playbackOf, recordingOf } from './ids.ts'
import { connect, enterQueue, leaveQueue, release, RING_BACKSTOP_MS, ring } from './queue-actions.ts'
import { reportRefusal } from './refusal.ts'

export function doCommand(call: CallInHand, command: CallCommand, timers: CallTimers, goodbyes: Goodbyes): void {
  const { services, facts } = call
  const { telephony, now } = services
  const { id, leg } = facts
  switch (command.type) {
    case 'answer':
      telephony.tell({ do: 'answer', leg })
      return
    case 'play': {
      const prompts: string[] = []
      for (const spoken of command.what) {
        const hash = 'hash' in spoken ? spoken.hash : promptIn(call.flow.prompts, spoken.prompt, call.state.language)
        if (hash !== null) prompts.push(hash)
      }
      const playback = playbackOf(id, command.visit, command.role)
      reportRefusal(
        call,
        { visit: command.visit, command: 'play' },
        telephony.send({ do: 'play', leg, playback, prompts, language: call.state.language }),
      )
      return
    }
    case 'stopPlaying':
      telephony.tell({ do: 'stopPlayback', playback: playbackOf(id, command.visit, command.role) })
      return
    case 'startMusic':
      telephony.tell({ do: 'startMusic', leg })
      return
    case 'stopMusic':
      telephony.tell({ do: 'stopMusic', leg })
      return
    case 'setTimer':
      timers.set(command.visit, command.timer, command.firesAt)
      return
    case 'clearTimer':
      timers.clear(command.timer)
      return
    case 'readAnnouncement': {
      const prompt = services.announcements.promptFor(command.announcement, call.state.language, now())
      call.take({ type: 'announcementRead', at: now(), visit: command.visit, prompt })
      return
    }
    case 'lookUpPin':
      lookUpPin(call, command.visit)
      return
    case 'enterQueue':
      enterQueue(call, command)
      return
    case 'leaveQueue':
      leaveQueue(call)
      return
    case 'ring':
      ring(call, command.visit, command.leg, command.endpoint)
      return
    case 'dial':
      reportRefusal(
        call,
        { visit: command.visit, command: 'dial', leg: command.leg },
        telephony.send({
          do: 'dial',
          leg: outgoingLeg(id, command.leg),
          number: command.number,
          trunk: services.trunkEndpoint(command.trunk),
          callerId: describeCaller(facts.caller, call.known),
          timeoutMs: RING_BACKSTOP_MS,
          forCaller: leg,
        }),
      )
      return
    case 'connect':
      connect(call, command.visit, command.leg)
      return
    case 'hangUpLeg':
      telephony.tell({ do: 'hangUp', leg: outgoingLeg(id, command.leg) })
      return
    case 'stopRinging':
      goodbyes.stopRinging(command.leg)
      return
    case 'tellCallerGone':
      goodbyes.say(command.leg)
      return
    case 'releaseAgent':
      release(call, command.offer, command.agentId, command.why)
      return
    case 'record': {
      const recording = recordingOf(id, command.visit)
      const { maxMs, silenceMs } = command
      reportRefusal(call, { visit: command.visit, command: 'record' }, telephony.send({ do: 'record', leg, recording, maxMs, silenceMs }))
      return
    }
    case 'stopRecording':
      telephony.tell({ do: 'stopRecording', recording: recordingOf(id, command.visit) })
      return
    case 'keepVoicemail':
      services.voicemails.keep(recordingOf(id, command.visit))
      return
    case 'dropRecording':
      services.voicemails.drop(recordingOf(id, command.visit))
      return
    case 'hangUp':
      telephony.tell({ do: 'hangUp', leg })
      return
    case 'end':
      timers.clearAll()
      if (call.state.connectedAt !== null && goodbyes.areOver) telephony.tell({ do: 'destroyBridge', bridge: bridgeOf(id) })
      services.onEnded(command.outcome)
      return
  }
}

/** The digits are taken from the state, in memory, and go nowhere but into the look-up. */
function lookUpPin(call: CallInHand, visit: number): void {
  const { store, now, typedFor, onPinChecked } = call.services
  const typed = typedFor(call.state)
  if (typed === null) return
  const { id, line, trunk, caller } = call.facts
  call.work.begin(async () => {
    const question = { callId: id, line, trunk, caller, ...typed, at: now() }
    const answer = await untilStored(
      () => store.checkPin(question),
      () => isStillIn(call, visit),
    )
    if (answer === null) return
    onPinChecked(answer)
    if (answer.slowDownMs > 0) await new Promise((resolve) => setTimeout(resolve, answer.slowDownMs).unref())
    if (answer.result.is === 'right') call.known = { customerName: answer.customerName, service: answer.service }
    call.take({ type: 'pinChecked', at: now(), visit, result: answer.result })
  })
}

function promptIn(prompts: Record<string, Record<string, string>>, name: string, language: string): string | null {
  return prompts[name]?.[language] ?? null
}
