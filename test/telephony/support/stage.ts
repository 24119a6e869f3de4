/** What the stories of the contract are played on: a PBX, a telephony, callers, and Anna, who is an agent. */
import type { Test } from 'tap'
import type { Telephony, TelephonyCommand } from '../../../src/app/ports/telephony.ts'
import type { Call } from '../../../src/local/phone/call.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import type { Phone } from '../../../src/local/phone/phone.ts'
import type { Transport } from '../../../src/telephony/asterisk-version.ts'
import { openTelephony } from '../../../src/telephony/open.ts'
import type { Pbx } from './pbx.ts'
import { keptLog, type Line, Witness } from './witness.ts'

/** `send` expects the command to succeed. */
export type Scene = { telephony: Telephony; seen: Witness; lines: Line[]; send(command: TelephonyCommand): Promise<void> }

export type Limits = { pingMs?: number; limitMs?: number }

export type Stage = {
  pbx: Pbx
  transport: Transport
  /** A name that nothing else has. */
  id(what: string): string
  open(url: string, limits?: Limits): Omit<Scene, 'send'>
  /** A connected telephony, closed when its story is over. */
  scene(t: Test, url?: string, limits?: Limits): Promise<Scene>
  /** A caller who has been answered. */
  caller(t: Test, scene: Scene): Promise<{ leg: string; call: Call }>
  /** Anna's registered phone, and the next call on it. */
  anna(t: Test, scene: Scene): Promise<{ phone: Phone; rings: Promise<IncomingCall> }>
  /** The command that rings Anna. */
  ring(leg: string, forCaller: string, timeoutMs?: number): TelephonyCommand
}

export const ANNA = { id: 'anna', username: 'anna', password: 'quittengelee' }
const LIMIT_MS = 3_000

/** While it sounds, Asterisk hears neither `#` nor our stop. */
export const afterTheBeep = (call: Call): Promise<boolean> => call.play({ hz: 440, ms: 1_500 })

export function stageOf(pbx: Pbx, transport: Transport): Stage {
  let count = 0
  const stage: Stage = {
    pbx,
    transport,
    id: (what) => `${what}-${process.pid}-${++count}`,

    open: (url, limits = {}) => {
      const { log, lines } = keptLog()
      const { user, password, promptUrl } = pbx
      const telephony = openTelephony({ url, user, password, app: 'pforte', transport, promptUrl, log, limitMs: LIMIT_MS, ...limits })
      return { telephony, seen: new Witness(telephony), lines }
    },

    scene: async (t, url = pbx.ariUrl, limits = {}) => {
      const parts = stage.open(url, limits)
      t.teardown(() => parts.telephony.close())
      await parts.telephony.connect()
      const send = async (command: TelephonyCommand): Promise<void> => {
        t.same(await parts.telephony.send(command), { ok: true, value: undefined }, command.do)
      }
      return { ...parts, send }
    },

    caller: async (t, { seen, send }) => {
      const phone = await pbx.phone(t, '+496215550100')
      const calling = phone.call(pbx.hotline)
      const { leg } = await seen.event('callerArrived')
      await send({ do: 'answer', leg })
      return { leg, call: await calling }
    },

    anna: async (t, { telephony }) => {
      t.match(await telephony.pushAgent(ANNA), { ok: true })
      const phone = await pbx.phone(t, ANNA.username, ANNA.password)
      await phone.register()
      const { promise, resolve } = Promise.withResolvers<IncomingCall>()
      phone.onCall((call) => {
        call.ring()
        resolve(call)
      })
      return { phone, rings: promise }
    },

    ring: (leg, forCaller, timeoutMs = 20_000) => ({
      do: 'ring',
      leg,
      endpoint: ANNA.id,
      callerId: { name: 'Premium · Müller "GmbH"', number: '+496215550100' },
      timeoutMs,
      forCaller,
    }),
  }
  return stage
}
