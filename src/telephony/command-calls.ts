/** Pforte's commands in ARI's words. */
import type { TelephonyCommand } from '../app/ports/telephony.ts'
import type { AriCall } from './ari-call.ts'

export type CallSettings = {
  app: string
  /** Where Asterisk fetches prompts, without a slash at the end. */
  promptUrl: string
}

/** The first argument of `Stasis()` for callers (asterisk-config/extensions.conf) and for legs that we make. */
export const CALLER_ARGUMENT = 'line'
export const LEG_ARGUMENT = 'leg'

/** What stands where an endpoint, number or trunk goes; anything else could name a second channel (`PJSIP/a&PJSIP/b`). */
const DIALLABLE = /^[\w.+*#-]{1,80}$/

/**
 * @returns the call, or a sentence on why Asterisk must not be asked at all
 */
export function callFor(command: TelephonyCommand, settings: CallSettings): AriCall | string {
  switch (command.do) {
    case 'answer':
      return { operation: 'channels.answer', params: { channelId: command.leg } }
    case 'play':
      return {
        operation: 'channels.playWithId',
        params: {
          channelId: command.leg,
          playbackId: command.playback,
          media: command.prompts.map((hash) => promptMedia(settings.promptUrl, hash)).join(','),
          lang: command.language,
        },
      }
    case 'stopPlayback':
      return { operation: 'playbacks.stop', params: { playbackId: command.playback } }
    case 'startMusic':
      return { operation: 'channels.startMoh', params: { channelId: command.leg } }
    case 'stopMusic':
      return { operation: 'channels.stopMoh', params: { channelId: command.leg } }
    case 'record':
      return {
        operation: 'channels.record',
        params: {
          channelId: command.leg,
          name: command.recording,
          format: 'wav',
          // Whole seconds are all that ARI takes; 0 means without limit.
          maxDurationSeconds: Math.ceil(command.maxMs / 1000),
          maxSilenceSeconds: Math.ceil(command.silenceMs / 1000),
          ifExists: 'fail',
          beep: true,
          terminateOn: '#',
        },
      }
    case 'stopRecording':
      // While the beep still sounds, Asterisk says yes to this and goes on recording, until `#`, silence or the
      // maximum [tried, 22.10.1].
      return { operation: 'recordings.stop', params: { recordingName: command.recording } }
    case 'ring':
      return DIALLABLE.test(command.endpoint)
        ? originate(command, `PJSIP/${command.endpoint}`, settings.app)
        : 'this is no name of a SIP account'
    case 'dial':
      return DIALLABLE.test(command.number) && DIALLABLE.test(command.trunk)
        ? originate(command, `PJSIP/${command.number}@${command.trunk}`, settings.app)
        : 'this is no number, or no name of a trunk'
    case 'createBridge':
      // The name marks it as ours, so that an empty one is found again after a crash.
      return { operation: 'bridges.createWithId', params: { bridgeId: command.bridge, type: 'mixing', name: settings.app } }
    case 'joinBridge':
      return { operation: 'bridges.addChannel', params: { bridgeId: command.bridge, channel: command.legs.join(',') } }
    case 'destroyBridge':
      return { operation: 'bridges.destroy', params: { bridgeId: command.bridge } }
    case 'hangUp':
      return {
        operation: 'channels.hangup',
        params: { channelId: command.leg, reason: command.why === 'unknown_number' ? 'unallocated' : 'normal' },
      }
    case 'stopRinging':
      return { operation: 'channels.hangup', params: { channelId: command.leg, reason: 'normal' } }
  }
}

export const promptMedia = (promptUrl: string, hash: string): string => `sound:${promptUrl}/${hash}.wav`

function originate(command: Extract<TelephonyCommand, { do: 'ring' | 'dial' }>, endpoint: string, app: string): AriCall {
  return {
    operation: 'channels.originateWithId',
    params: {
      channelId: command.leg,
      endpoint,
      app,
      appArgs: LEG_ARGUMENT,
      callerId: callerId(command.callerId),
      timeout: Math.max(1, Math.ceil(command.timeoutMs / 1000)),
      // The new leg prefers the caller's codec, so that nothing is transcoded.
      originator: command.forCaller,
    },
  }
}

/** As Asterisk parses it: `"name" <number>`. What would end either early is left out. */
function callerId({ name, number }: { name: string; number: string }): string {
  const shown = name.replace(/["<>\\\p{Cc}]/gu, '').slice(0, 64)
  return `"${shown}" <${number.replace(/[^\w.+*#-]/g, '').slice(0, 64)}>`
}
