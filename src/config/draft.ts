/**
 * A file with mistakes in it is still worth reading on: the draft is what
 * remains when everything that does not fit the schema is set aside. It knows
 * which names were written, so that one mistake does not make ten.
 */
import { schemaMistakes } from './validate.ts'
import type { Mistake } from './validate.ts'
import type { ServiceFile } from './schema/service.ts'

/** Sections whose entries the operator names. */
const sections = ['lines', 'flows', 'prompts', 'queues', 'agents', 'hours', 'trunks'] as const
export type Section = (typeof sections)[number]
/** Sections of settings, some of which are blocks of named ones: only what is wrong is set aside. */
const settings: Record<string, readonly (string | number)[]> = {
  sms: ['templates', 'caps', 'words', 'status_words', 'senders'],
  smpp: ['routes'],
  tickets: ['tkg58'],
  retention: [],
  logs: [],
}

export type Draft = {
  file: ServiceFile
  mistakes: Mistake[]
  /** Names written in a section; null when the section itself is not to be read. */
  names: Record<Section, string[] | null>
  /** Steps that do not fit the schema, by `flow/step`: where their ways out lead, as far as that can be read. */
  brokenSteps: Map<string, string[]>
}

/** Null when it is no block of sections at all. */
export function draftOf(value: unknown): Draft | { mistakes: Mistake[] } {
  const mistakes = schemaMistakes(value)
  if (!isBlock(value)) return { mistakes }
  const file = structuredClone(value)
  const names = Object.fromEntries(
    sections.map((section) => {
      const written = file[section]
      if (isBlock(written)) return [section, Object.keys(written)]
      file[section] = {}
      // A section that is not there may be there under a misspelt name.
      return [section, written === undefined && !mistakes.some(({ path }) => path.length <= 1) ? [] : null]
    }),
  ) as Draft['names']
  const brokenSteps = new Map<string, string[]>()
  for (const {
    path: [section, entry, steps, step],
  } of mistakes) {
    if (section === undefined) continue
    if (section === 'flows' && steps === 'steps' && typeof step === 'string') {
      const flow = (file.flows as Block)[String(entry)]
      const key = `${String(entry)}/${step}`
      if (isBlock(flow) && isBlock(flow.steps) && step in flow.steps && !brokenSteps.has(key)) {
        brokenSteps.set(key, targets(flow.steps[step]))
        flow.steps[step] = { hang_up: 'turned_away' }
      }
      continue
    }
    const written = file[section]
    const ofSettings = settings[section]
    if (ofSettings !== undefined && isBlock(written) && entry !== undefined) {
      const inner = written[entry]
      if (ofSettings.includes(entry) && isBlock(inner) && steps !== undefined) delete inner[steps]
      else delete written[entry]
    } else if (sections.includes(section as Section) && isBlock(written)) {
      if (entry !== undefined) delete written[entry]
    } else {
      delete file[section]
    }
  }
  return { file: file as ServiceFile, mistakes, names, brokenSteps }
}

function targets(step: unknown): string[] {
  return isBlock(step) && isBlock(step.then) ? Object.values(step.then).filter((target) => typeof target === 'string') : []
}

type Block = Record<string | number, unknown>

function isBlock(value: unknown): value is Block {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
