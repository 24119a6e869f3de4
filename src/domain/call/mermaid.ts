/** Draws a flow as a Mermaid flowchart, from the same data that calls walk. */
import { drawnEdges } from './edges.ts'
import type { Flow, Step, StepKind } from './flow.ts'

/** Opening and closing of a node's shape: decisions pointed, waits rounded, ends round. */
const shapes: Readonly<Record<StepKind, readonly [string, string]>> = {
  announce: ['[', ']'],
  special_announcement: ['[', ']'],
  collect_pin: ['[/', '/]'],
  hold_music: ['(', ')'],
  menu: ['[/', '/]'],
  opening_hours: ['{', '}'],
  queue: ['([', '])'],
  voicemail: ['[[', ']]'],
  transfer: ['([', '])'],
  hang_up: ['((', '))'],
}

/**
 * Mermaid text. Steps keep the order of the file and are numbered in it, so
 * that the same flow always gives the same text, whatever its steps are
 * called. A step that an edge names but nobody defined is not drawn.
 */
export function toMermaid(flow: Flow): string {
  const numbers = new Map(Object.keys(flow.steps).map((name, index) => [name, `s${index}`]))
  const nodes: string[] = []
  const edges: string[] = []
  for (const [name, step] of Object.entries(flow.steps)) {
    const number = numbers.get(name)
    const [opening, closing] = shapes[step.kind]
    nodes.push(`  ${number}${opening}"${inQuotes(name)}<br/><small>${inQuotes(about(step))}</small>"${closing}`)
    for (const [target, labels] of edgesByTarget(step)) {
      const other = numbers.get(target)
      if (other !== undefined) edges.push(`  ${number} -->|"${inQuotes(labels.join(', '))}"| ${other}`)
    }
  }
  const start = numbers.get(flow.start)
  const entry = start === undefined ? [] : ['  start(((call)))', `  start --> ${start}`]
  return ['flowchart TD', ...entry, ...nodes, ...edges, ''].join('\n')
}

/** Two edges to one step are drawn as one arrow. */
function edgesByTarget(step: Step): Map<string, string[]> {
  const labels = new Map<string, string[]>()
  for (const [edge, target] of drawnEdges(step)) labels.set(target, [...(labels.get(target) ?? []), edge])
  return labels
}

function about(step: Step): string {
  switch (step.kind) {
    case 'announce':
      return `says ${step.prompts.join(', ')}`
    case 'special_announcement':
      return `announces ${step.announcement}, if on`
    case 'collect_pin':
      return step.asks === 'pin' ? 'asks for the PIN' : 'asks for the customer number'
    case 'hold_music':
      return `music, ${step.forMs / 1_000} s${step.times === 0 ? '' : `, at most ${step.times} times`}`
    case 'menu':
      return `menu ${step.prompts.join(', ')}`
    case 'opening_hours':
      return step.hours === 'contract' ? 'hours of the contract?' : `${step.hours} hours?`
    case 'queue':
      return step.queue === 'contract' ? 'queue of the contract' : `queue ${step.queue}`
    case 'voicemail':
      return `records up to ${step.maxMs / 1_000} s`
    case 'transfer':
      return `calls ${step.number}`
    case 'hang_up':
      return `hangs up: ${step.outcome.replace('_', ' ')}`
  }
}

/** Mermaid's own escapes: inside quotes only these could end the text or begin markup. `#` begins an escape. */
function inQuotes(text: string): string {
  return text.replaceAll('#', '#35;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;').replace(/\s+/g, ' ')
}
