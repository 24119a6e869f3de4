/** The flow of these stories: the hotline as mission.md tells it, with every kind of step in it. */
import type { Flow } from '../../../src/domain/call/flow.ts'

export const secondMs = 1_000
export const minuteMs = 60_000

export const hotline: Flow = {
  name: 'hotline',
  start: 'outage',
  steps: {
    outage: {
      kind: 'special_announcement',
      announcement: 'outage',
      pauseMs: 4 * secondMs,
      then: { off: 'welcome', pressed: 'welcome', heard: 'goodbye' },
    },
    welcome: { kind: 'announce', prompts: ['welcome'], then: { done: 'ask_pin' } },
    ask_pin: {
      kind: 'collect_pin',
      asks: 'pin',
      prompts: ['please_type_pin'],
      then: {
        right: 'service_hours',
        wrong: 'not_correct',
        none: 'music',
        exhausted: 'music',
        step_up: 'ask_customer_number',
      },
    },
    ask_customer_number: {
      kind: 'collect_pin',
      asks: 'customer_number',
      prompts: ['please_type_customer_number'],
      then: { right: 'service_hours', wrong: 'not_correct', none: 'music', exhausted: 'music' },
    },
    not_correct: { kind: 'announce', prompts: ['not_correct'], then: { done: 'ask_pin' } },
    service_hours: { kind: 'opening_hours', hours: 'contract', then: { open: 'wait', closed: 'we_are_closed' } },
    we_are_closed: { kind: 'announce', prompts: ['closed'], then: { done: 'message' } },
    wait: { kind: 'queue', queue: 'contract', then: { timeout: 'sorry', full: 'sorry', '#': 'message' } },
    sorry: {
      kind: 'menu',
      prompts: ['sorry_menu'],
      waitMs: 5 * secondMs,
      tries: 2,
      then: { '1': 'wait', '2': 'emergency', '#': 'message', none: 'message' },
    },
    emergency: {
      kind: 'transfer',
      number: '+4962100000',
      trunk: 'reserve',
      ringMs: 30 * secondMs,
      then: { failed: 'message' },
    },
    music: {
      kind: 'hold_music',
      forMs: minuteMs,
      times: 3,
      then: { done: 'offer', '#': 'message', exhausted: 'turned_away' },
    },
    offer: { kind: 'announce', prompts: ['voicemail_offer'], then: { done: 'music', '#': 'message' } },
    message: {
      kind: 'voicemail',
      prompts: ['after_the_beep'],
      maxMs: 3 * minuteMs,
      silenceMs: 5 * secondMs,
      then: { left: 'thanks', empty: 'music' },
    },
    thanks: { kind: 'announce', prompts: ['thanks'], then: { done: 'goodbye' } },
    turned_away: { kind: 'hang_up', outcome: 'turned_away' },
    goodbye: { kind: 'hang_up', outcome: 'informed' },
  },
  pin: {
    length: 5,
    customerNumberLength: 8,
    firstDigitMs: 6 * secondMs,
    betweenDigitsMs: 4 * secondMs,
    totalMs: 20 * secondMs,
    tries: 3,
  },
  queues: { premium: { ringMs: 20 * secondMs, maxWaitMs: 10 * minuteMs } },
  hours: {
    business: {
      timeZone: 'Europe/Berlin',
      weekly: [1, 2, 3, 4, 5].map((day) => ({ day: day as 1, fromMinute: 8 * 60, toMinute: 18 * 60 })),
      holidays: ['2026-12-25'],
    },
  },
}
