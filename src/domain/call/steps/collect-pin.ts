/**
 * Asks for the PIN, or for the customer number beside it.
 *
 * Digits count from the first moment: they interrupt the prompt, and those
 * typed during the announcement before are counted too. `#` ends the entry
 * early, `*` clears it. Four limits bound it: the first digit, the time between
 * two, the time from the first key to the end (`*` does not set it back, or a
 * caller could keep an entry open for ever), and the length; what is typed
 * beyond the length is late and ignored.
 *
 * An entry that ends short is looked up as typed: it is wrong by nature, and so
 * the limits across calls count it like any other guess. Nothing typed at all
 * (an empty `#`, too) is `none` and no try.
 *
 * `limited` (this number or trunk has guessed too often) is handled exactly
 * like `wrong`; the look-up goes on answering `limited`, so the tries run out
 * and the caller ends in the loop, having heard only what a wrong PIN hears.
 *
 * Tries are counted for the call as a whole, over all steps of this kind, or a
 * flow with two of them would double the guesses. The try that uses them up
 * takes `exhausted`.
 */
import type { CallEvent } from '../events.ts'
import type { CollectPinStep, Flow } from '../flow.ts'
import type { CallState } from '../state.ts'
import type { Turn } from '../turn.ts'
import { nothingToClose, type StepRules } from './kind.ts'

/** A look-up takes 1–2 ms. If it has not answered by now the database is away: music, not silence. */
const slowLookUpMs = 300

/** How the path tells that a caller was asked anew through no fault of theirs. */
const lostPin = 'PIN to be typed again'

export const collectPin: StepRules<CollectPinStep> = {
  enter(turn, step) {
    const typedAhead = turn.state.typedAhead
    turn.state.typedAhead = ''
    if (step.asks === 'pin') turn.state.pinInHand = ''
    if (triesOfCall(turn.flow, turn.state) >= turn.flow.pin.tries) return turn.take('exhausted')
    if (pinIsLost(turn, step)) return turn.take('wrong', lostPin)
    ask(turn, step, typedAhead)
  },

  on(turn, step, event: CallEvent) {
    switch (event.type) {
      case 'digitReceived':
        return keyPressed(turn, step, event.digit)
      case 'playbackFinished':
      case 'commandRefused':
        turn.state.doing = { what: 'collecting', typed: '', prompting: false }
        return turn.setTimer('first_digit', turn.at + turn.flow.pin.firstDigitMs)
      case 'timerFired':
        return timeIsUp(turn)
      case 'pinChecked':
        return answered(turn, step, event)
    }
  },

  resume(turn, step) {
    const doing = turn.state.doing
    // Only the process that took the digits still has them, and so still awaits the answer.
    if (doing.what === 'looking_up' && doing.typed !== '') return
    turn.quieten()
    turn.visitAnew()
    if (pinIsLost(turn, step)) return askForPinAgain(turn)
    ask(turn, step, '')
  },

  close: nothingToClose,
}

/** Entries of this call that were not right, over all steps that ask for a PIN. */
export function triesOfCall(flow: Flow, state: CallState): number {
  let tries = 0
  for (const step in state.tries) {
    if (flow.steps[step]?.kind === 'collect_pin') tries += state.tries[step] ?? 0
  }
  return tries
}

/**
 * What the caller has typed and waits to have looked up; null when no look-up
 * is due, or the digits were lost in a restart. For the runner's ears only:
 * not to be logged or written down.
 */
export function typedForLookUp(state: CallState): { pin: string; customerNumber: string | null } | null {
  if (state.doing.what !== 'looking_up' || state.doing.typed === '') return null
  // The PIN is in hand only while the customer number is asked.
  if (state.pinInHand === '') return { pin: state.doing.typed, customerNumber: null }
  return { pin: state.pinInHand, customerNumber: state.doing.typed }
}

/** Digits are never written down, so after a restart the PIN beside the customer number is gone. No fault of the caller. */
function pinIsLost(turn: Turn, step: CollectPinStep): boolean {
  return step.asks === 'customer_number' && turn.state.pinInHand === ''
}

/**
 * After a restart: back to where the PIN was typed. Nothing of it was wrong, so nobody is told that it was, and no try
 * is counted; all that is lost is what must not be kept.
 */
function askForPinAgain(turn: Turn): void {
  const typedIn = turn.state.path.findLast(({ step }) => {
    const kept = turn.flow.steps[step]
    return kept?.kind === 'collect_pin' && kept.asks === 'pin'
  })
  if (typedIn === undefined) turn.take('wrong', lostPin)
  else turn.goBack(typedIn.step, lostPin)
}

function ask(turn: Turn, step: CollectPinStep, typedAhead: string): void {
  turn.state.doing = { what: 'collecting', typed: '', prompting: false }
  // A key that only skipped the announcement (`#`, `*`) is no entry.
  const digits = typedAhead.replace(/^[^0-9]+/, '')
  if (digits !== '') {
    for (const key of digits) {
      // What is typed beyond the end of the entry is late, as it is for keys that come singly.
      if (turn.state.doing.what === 'collecting' && turn.edge === null) keyPressed(turn, step, key)
    }
  } else if (step.prompts.length > 0) {
    turn.state.doing = { what: 'collecting', typed: '', prompting: true }
    turn.play(step.prompts)
  } else {
    turn.setTimer('first_digit', turn.at + turn.flow.pin.firstDigitMs)
  }
}

function keyPressed(turn: Turn, step: CollectPinStep, key: string): void {
  const { doing, timers } = turn.state
  if (doing.what !== 'collecting') return
  const rules = turn.flow.pin
  if (doing.prompting) turn.stopPlaying()
  if (timers.total === undefined) turn.setTimer('total', turn.at + rules.totalMs)

  if (key === '#') return complete(turn, doing.typed)
  if (key === '*') {
    turn.state.doing = { what: 'collecting', typed: '', prompting: false }
    turn.clearTimer('between_digits')
    return turn.setTimer('first_digit', turn.at + rules.firstDigitMs)
  }

  const typed = doing.typed + key
  const length = step.asks === 'pin' ? rules.length : rules.customerNumberLength
  if (typed.length >= length) return complete(turn, typed)
  turn.state.doing = { what: 'collecting', typed, prompting: false }
  turn.clearTimer('first_digit')
  turn.setTimer('between_digits', turn.at + rules.betweenDigitsMs)
}

function timeIsUp(turn: Turn): void {
  const doing = turn.state.doing
  if (doing.what === 'collecting') return complete(turn, doing.typed)
  if (doing.what !== 'looking_up') return
  turn.state.doing = { ...doing, music: true }
  turn.do({ type: 'startMusic' })
}

function complete(turn: Turn, typed: string): void {
  turn.clearTimers()
  if (typed === '') return turn.take('none')
  turn.state.doing = { what: 'looking_up', typed, music: false }
  turn.do({ type: 'lookUpPin', visit: turn.state.visit })
  turn.setTimer('slow_look_up', turn.at + slowLookUpMs)
}

function answered(turn: Turn, step: CollectPinStep, { result }: Extract<CallEvent, { type: 'pinChecked' }>): void {
  const doing = turn.state.doing
  if (doing.what !== 'looking_up') return
  if (doing.music) turn.do({ type: 'stopMusic' })

  if (result.is === 'step_up' && step.asks === 'pin' && step.then.step_up !== undefined) {
    turn.state.pinInHand = doing.typed
    return turn.take('step_up')
  }
  turn.state.pinInHand = ''
  if (result.is === 'right') {
    turn.state.admission = result.admission
    return turn.take('right')
  }
  turn.countTry()
  // The path says `wrong` for `limited` too: it is what the caller heard.
  turn.take(triesOfCall(turn.flow, turn.state) >= turn.flow.pin.tries ? 'exhausted' : 'wrong')
}
