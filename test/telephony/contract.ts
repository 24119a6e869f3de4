/**
 * What every telephony owes to Pforte (`src/app/ports/telephony.ts`), told on
 * a real Asterisk with real phones. Each way of sending commands runs it.
 */
import type { Test } from 'tap'
import type { Transport } from '../../src/telephony/asterisk-version.ts'
import { agents } from './contract/agents.ts'
import { callers } from './contract/callers.ts'
import { keeping } from './contract/keeping.ts'
import { line } from './contract/line.ts'
import { messages } from './contract/messages.ts'
import { outside } from './contract/outside.ts'
import { startPbx } from './support/pbx.ts'
import { stageOf } from './support/stage.ts'

/** All stories together take this long at most. */
const ALL_MS = 200_000

export async function telephonyContract(t: Test, transport: Transport): Promise<void> {
  t.setTimeout(ALL_MS)
  const stage = stageOf(await startPbx(t), transport)
  for (const stories of [line, callers, messages, agents, outside, keeping]) stories(t, stage)
}
