/** The caller of `npm run call`: three plans, told from what is heard on the line and what the API shows. */
import type { Call } from '../phone/call.ts'
import { CallFailed } from '../phone/outgoing.ts'
import { Phone, RegistrationFailed } from '../phone/phone.ts'
import { NotHeard } from '../phone/rtp/heard.ts'
import { NoResponse } from '../phone/sip/endpoint.ts'
import { PartFailure } from '../part-failure.ts'
import { DemoAgentPhone } from './agent.ts'
import { DemoApi, type CallSeen, type TicketSeen } from './api.ts'
import type { Story } from './story.ts'

export type Plan = { is: 'pin'; digits: string } | { is: 'no_pin' } | { is: 'voicemail' }

/** A prompt as callers hear it, with what it says. */
export type DemoPrompt = { wav: Buffer; text: string }

export type Demo = {
  api: { url: string; key: string }
  sipUri: string
  plan: Plan
  story: Story
  /** By name, in the language of the line. */
  prompts: Map<string, DemoPrompt>
  line: string
  caller: string
  agentGreeting: Buffer
  callerSpeech: Buffer
}

const PROMPT_WITHIN_MS = 20_000
const ANSWER_WITHIN_MS = 20_000
const TICKET_WITHIN_MS = 10_000
const SMS_WITHIN_MS = 10_000
const IS_UNDER_WAY = ['queued', 'submitting', 'submitted']
/** Into the welcome, as whoever knows their PIN types. */
const TYPES_AFTER_MS = 1_500
const LISTENS_TO_MUSIC_MS = 4_000
/** The tone of the private Asterisk (local/beep.ts). */
const BEEP_HZ = 1_000

/**
 * @returns the exit code: 0 when the call went as planned
 * @throws PartFailure when there can be no call at all
 */
export async function tellCall(demo: Demo): Promise<number> {
  const { plan, story, caller, line, sipUri } = demo
  const api = new DemoApi(demo.api)
  const phone = await Phone.open({ host: '127.0.0.1', user: 'demo-caller' })
  let agent: DemoAgentPhone | null = null
  try {
    story.title(TITLES[plan.is])
    const { promise: talking, resolve: onTalking } = Promise.withResolvers<Call>()
    if (plan.is === 'pin') agent = await DemoAgentPhone.arrive(api, story, demo.agentGreeting, onTalking)
    const since = Date.now() - 1_000
    const target = sipUri.replace('sip:', `sip:${line}@`)
    story.tell('caller', `dials ${target} as ${caller}`)
    const call = await phone.call(target, { from: caller })
    story.tell('Pforte', 'answers')
    const good = await goesAsPlanned({ ...demo, call }, talking)
    await call.hangUp()
    return (await tellOutcome(demo, api, since, good)) && good ? 0 : 1
  } catch (error) {
    if (!(error instanceof CallFailed) && !(error instanceof RegistrationFailed) && !(error instanceof NoResponse)) throw error
    throw new PartFailure({ part: 'call', what: error.message, mend: 'npx pforte doctor says whether Asterisk is well.', cause: error })
  } finally {
    await phone.close()
    await agent?.leave()
  }
}

const TITLES: Record<Plan['is'], string> = {
  pin: 'A customer with a PIN calls, and talks to a human.',
  no_pin: 'Somebody without a PIN calls.',
  voicemail: 'Somebody without a PIN calls, and leaves a message.',
}

type Listening = Demo & { call: Call }

/** A caller who does not hear what belongs to the plan gives up; the path that Pforte wrote down then says why. */
async function goesAsPlanned(listening: Listening, talking: Promise<Call>): Promise<boolean> {
  const { plan, story } = listening
  try {
    if (plan.is === 'pin') return await withPin(listening, plan.digits, talking)
    return plan.is === 'voicemail' ? await leaveMessage(listening) : await withoutPin(listening)
  } catch (error) {
    if (!(error instanceof NotHeard)) throw error
    story.tell('caller', `gives up: ${error.message}`)
    return false
  }
}

async function withPin({ call, story, ...demo }: Listening, digits: string, talking: Promise<Call>): Promise<boolean> {
  await hears({ ...demo, call, story }, ['welcome', 'ask_pin'])
  await wait(TYPES_AFTER_MS)
  story.tell('caller', `types the PIN into the prompt (${'•'.repeat(digits.length)})`)
  await call.sendDigits(digits)
  const agentsCall = await within(talking, ANSWER_WITHIN_MS)
  if (agentsCall === null) {
    story.tell('caller', 'waits in vain for an agent')
    return false
  }
  const greeting = await call.heard.waitForPrompt(demo.agentGreeting, { timeoutMs: PROMPT_WITHIN_MS })
  story.tell('caller', 'hears the agent, and answers')
  const since = performance.now()
  void call.play(demo.callerSpeech)
  await agentsCall.heard.waitForPrompt(demo.callerSpeech, { since: Math.min(since, greeting.endedAt), timeoutMs: PROMPT_WITHIN_MS })
  story.tell('agent', 'hears the caller: they are talking')
  await wait(1_000)
  story.tell('caller', 'hangs up')
  return true
}

async function toTheMusic(listening: Listening): Promise<void> {
  const { call, story } = listening
  await hears(listening, ['welcome', 'ask_pin'])
  story.tell('caller', 'has no PIN, and presses # at once')
  await call.sendDigits('#')
  await call.heard.waitForAudio({ since: performance.now() + 500, timeoutMs: PROMPT_WITHIN_MS })
  story.tell('caller', 'hears music')
  await wait(LISTENS_TO_MUSIC_MS)
}

async function withoutPin(listening: Listening): Promise<boolean> {
  await toTheMusic(listening)
  listening.story.tell('caller', 'would be offered the voicemail after a minute of it, over and over; but hangs up')
  return true
}

async function leaveMessage(listening: Listening): Promise<boolean> {
  const { call, story } = listening
  await toTheMusic(listening)
  story.tell('caller', 'presses # for the voicemail')
  await call.sendDigits('#')
  await hears(listening, ['leave_message'])
  story.tell('caller', 'presses # to get to the tone')
  const { lastDigitEndAt } = await call.sendDigits('#')
  await call.heard.waitForTone(BEEP_HZ, { since: lastDigitEndAt, timeoutMs: PROMPT_WITHIN_MS })
  story.tell('caller', 'hears the tone and speaks')
  await wait(500)
  await call.play(listening.callerSpeech)
  await call.sendDigits('#')
  await hears(listening, ['thanks'])
  const ended = await within(
    call.ended.then(() => true),
    PROMPT_WITHIN_MS,
  )
  if (ended === null) return false
  story.tell('Pforte', 'hangs up')
  return true
}

/** Waits for one of the prompts, and tells which words were heard. */
async function hears({ call, story, prompts }: Listening, names: string[]): Promise<{ endedAt: number }> {
  const wanted = new Map<string, Buffer>()
  for (const name of names) {
    const prompt = prompts.get(name)
    if (prompt !== undefined) wanted.set(name, prompt.wav)
  }
  const { name, heard } = await call.heard.waitForOneOf(wanted, { timeoutMs: PROMPT_WITHIN_MS })
  story.tell('caller', `hears „${prompts.get(name)?.text ?? name}“`)
  return heard
}

async function tellOutcome({ story, caller, plan }: Demo, api: DemoApi, since: number, hasMessage: boolean): Promise<boolean> {
  const isDone = (call: CallSeen): boolean => call.endedAt !== null && (plan.is !== 'voicemail' || !hasMessage || call.ticketId !== null)
  const call = await api.callFrom(caller, since, isDone, TICKET_WITHIN_MS)
  if (call === null) {
    story.tell('Pforte', 'has no finished row of this call: something is wrong, see its log')
    return false
  }
  const waited = call.waitMs === null ? '' : `, waited ${(call.waitMs / 1000).toFixed(1)} s`
  const talked = call.talkMs === null ? '' : `, talked ${(call.talkMs / 1000).toFixed(1)} s`
  story.tell('Pforte', `wrote down: ${call.outcome ?? '?'}${waited}${talked}; path ${call.path.map((entry) => entry.step).join(' → ')}`)
  if (call.ticketId === null) return true
  const ticket = await api.get<TicketSeen>(`/v1/tickets/${call.ticketId}`)
  story.tell(
    'Pforte',
    `made ticket ${ticket.number}: ${ticket.subject}, ${((ticket.voicemail?.durationMs ?? 0) / 1000).toFixed(1)} s to be heard on the page`,
  )
  return tellMessage(story, api, call.ticketId)
}

/** What the caller's phone shows now; or why it shows nothing, as the message's trace has it. */
async function tellMessage(story: Story, api: DemoApi, ticketId: string): Promise<boolean> {
  const message = await api.messageAbout(ticketId, ({ state }) => !IS_UNDER_WAY.includes(state), SMS_WITHIN_MS)
  if (message === null) {
    story.tell('Pforte', 'sends no SMS about it: pforte.yaml has no template for that')
    return true
  }
  if (message.state === 'delivered') {
    story.tell('phone', `of ${message.to} shows an SMS from ${message.from}: „${message.text}“`)
    return true
  }
  story.tell('Pforte', `has an SMS for ${message.to} that is ${message.state}: ${message.trace.at(-1)?.why ?? 'no reason is written down'}`)
  // Held, or held back by a rule: that is as it should be.
  return message.state === 'held' || message.state === 'suppressed'
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The limit's timer ends with the wait, so that a story that is told does not keep its listener. */
async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | null> {
  const { promise: limit, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), limitMs)
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer))
}
