import type { Step } from '../domain/call/flow.ts'

/** The one line about a step that its box has room for. */
export function stepSummary(step: Step): string {
  switch (step.kind) {
    case 'announce':
      return `says ${step.prompts.join(', ')}`
    case 'special_announcement':
      return `if on: ${step.announcement}`
    case 'collect_pin':
      return step.asks === 'pin' ? 'asks for the PIN' : 'asks the customer number'
    case 'hold_music':
      return `${duration(step.forMs)} of music${step.times > 0 ? `, ${step.times} times` : ''}`
    case 'menu':
      return `menu: ${step.prompts.join(', ')}`
    case 'opening_hours':
      return step.hours === 'contract' ? "the contract's hours" : `hours: ${step.hours}`
    case 'queue':
      return step.queue === 'contract' ? "the contract's queue" : `queue ${step.queue}`
    case 'voicemail':
      return `voicemail, up to ${duration(step.maxMs)}`
    case 'transfer':
      return `rings ${step.number}`
    case 'hang_up':
      return `hangs up: ${step.outcome.replaceAll('_', ' ')}`
  }
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const rest = seconds % 60
  return rest === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${rest} s`
}
