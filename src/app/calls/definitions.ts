/**
 * What `pforte.yaml` means for calls that begin now. Calls under way keep the
 * flow that they began with; `reload` swaps this value and nothing else.
 */
import type { Flow } from '../../domain/call/flow.ts'
import type { FlowPrompts, QueueDefinition } from '../ports/store.ts'

export type Line = { name: string; numbers: string[]; flow: string; language: string }
export type ActiveFlow = { hash: string; flow: Flow; prompts: FlowPrompts }

export type CallDefinitions = {
  lines: Line[]
  flows: Map<string, ActiveFlow>
  queues: Map<string, QueueDefinition>
  /** Name → the PBX's endpoint to dial out through. */
  trunks: Map<string, string>
  /** Spoken outside of any flow: `caller_gone`, to an agent who picks up too late. Language → hash. */
  callerGone: Record<string, string>
}

/** The line that was dialled: by its name, or by one of its numbers in whatever form the trunk writes it. */
export function lineDialled(definitions: CallDefinitions, dialled: string): Line | null {
  const wanted = digitsOf(dialled)
  for (const line of definitions.lines) {
    if (line.name === dialled) return line
    if (wanted.length >= 3 && line.numbers.some((number) => sameNumber(digitsOf(number), wanted))) return line
  }
  return null
}

const digitsOf = (text: string): string => text.replace(/\D/g, '')

/** `+4962155501`, `004962155501`, `062155501` and `62155501` are one number to a trunk. */
function sameNumber(ours: string, dialled: string): boolean {
  const bare = dialled.replace(/^0{1,2}/, '')
  return ours === dialled || ours === bare || (bare.length >= 6 && ours.endsWith(bare))
}
