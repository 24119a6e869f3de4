import type { Hours } from '../domain/call/flow.ts'
import { contentHash } from './canonical.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { flowsOf } from './flows.ts'
import { holidaysOf, isTimeZone, roundTheClock, weeklySpans } from './hours.ts'
import { linesOf } from './lines.ts'
import { agentsOf, queuesOf } from './people.ts'
import { pinOf } from './pin.ts'
import { logsOf, retentionOf } from './privacy.ts'
import { inOrder } from './problem.ts'
import type { Path, Problem } from './problem.ts'
import { promptsOf } from './prompts.ts'
import type { Service } from './service.ts'
import { referenceBitsOf, smppOf } from './smpp.ts'
import { smsOf } from './sms.ts'
import { ticketsOf } from './tickets.ts'
import type { Mistake } from './validate.ts'
import { readYaml } from './yaml.ts'

export type LoadOptions = {
  /** Where paths of audio files begin: the folder of the file. */
  promptFolder: string
  /** Epoch ms. Holidays are worked out for this year and the two after it. */
  now: number
}

export type Loaded =
  | {
      ok: true
      service: Service
      /** Tells of a mistake that showed only later (an audio file, a queue in use) at its place in the file. */
      problemAt(path: Path, message: string, hint: string): Problem
    }
  | { ok: false; problems: Problem[] }

/**
 * Reads the text of `pforte.yaml`. Never throws for what is in the text: all mistakes that can be
 * told from each other come back at once, in the order of the file. Reads the prompts' audio files
 * and a carrier's certificates and nothing else; the same input gives the same service.
 */
export function loadService(text: string, options: LoadOptions): Loaded {
  const yaml = readYaml(text)
  const problemAt = (path: Path, message: string, hint: string, of?: 'key'): Problem => ({ ...yaml.place(path, of), message, hint })
  const told = (mistakes: readonly Mistake[]): Problem[] =>
    mistakes.map(({ path, of, message, hint }) => problemAt(path, message, hint, of))
  if (yaml.value === undefined) return { ok: false, problems: inOrder(yaml.problems) }

  const draft = draftOf(yaml.value)
  if (!('file' in draft)) return { ok: false, problems: inOrder([...yaml.problems, ...told(draft.mistakes)]) }
  const { service, mistakes } = serviceOf(draft, options)
  const problems = inOrder([...yaml.problems, ...told([...draft.mistakes, ...mistakes])])
  return problems.length > 0 ? { ok: false, problems } : { ok: true, service, problemAt }
}

function serviceOf(draft: Draft, options: LoadOptions): { service: Service; mistakes: Mistake[] } {
  const { file } = draft
  const zone = file.time_zone ?? 'Europe/Berlin'
  const zoneMistakes = isTimeZone(zone) ? [] : [noZone(['time_zone'], zone)]
  const timeZone = zoneMistakes.length === 0 ? zone : 'Europe/Berlin'

  const { lines, languages, mistakes: lineMistakes } = linesOf(draft)
  const { hours, mistakes: hoursMistakes } = hoursOf(draft, timeZone, options.now)
  const { prompts, mistakes: promptMistakes } = promptsOf(draft, languages, options.promptFolder)
  const { agents, mistakes: agentMistakes } = agentsOf(draft)
  const { queues, mistakes: queueMistakes } = queuesOf(draft, agents)
  const { rules, limits, mistakes: pinMistakes } = pinOf(file.pin)
  const { flows, mistakes: flowMistakes } = flowsOf(draft, { pin: rules, queues, hours, prompts })
  const country = file.country ?? 'DE'
  const { smpp, mistakes: smppMistakes } = smppOf(file.smpp, options.promptFolder)
  const referenceBits = referenceBitsOf(smpp)
  const { sms, mistakes: smsMistakes } = smsOf(file.sms, { country, timeZone, languages, referenceBits, now: options.now })
  const { tickets, mistakes: ticketMistakes } = ticketsOf(file.tickets, sms)
  const service = {
    country,
    timeZone,
    languages,
    lines,
    flows,
    prompts,
    queues,
    agents,
    hours,
    pin: { rules, limits },
    announcements: [...(file.announcements ?? [])],
    tts: { command: (file.tts?.command ?? null) as Service['tts']['command'] },
    trunks: { ...file.trunks },
    tickets,
    sms,
    smpp,
    retention: retentionOf(file.retention),
    logs: logsOf(file.logs),
    webhooks: { allowPrivate: file.webhooks?.allow_private ?? false },
  }
  return {
    service: { hash: contentHash(service), ...service },
    mistakes: [
      ...[zoneMistakes, lineMistakes, hoursMistakes, promptMistakes, agentMistakes],
      ...[queueMistakes, pinMistakes, flowMistakes, smsMistakes, smppMistakes, ticketMistakes],
    ].flat(),
  }
}

function hoursOf({ file }: Draft, usualZone: string, now: number): { hours: Record<string, Hours>; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const hours = Object.fromEntries(
    Object.entries(file.hours ?? {}).map(([name, written]): [string, Hours] => {
      if (name === 'always' || name === 'contract') {
        mistakes.push({
          path: ['hours', name],
          of: 'key',
          message: `hours cannot be called ${name}`,
          hint: 'That name has a meaning of its own: take another.',
        })
      }
      const timeZone = written.time_zone ?? usualZone
      if (!isTimeZone(timeZone)) {
        mistakes.push(noZone(['hours', name, 'time_zone'], timeZone))
        return [name, roundTheClock(usualZone)]
      }
      const weekly = written.open.flatMap((line, index) => {
        const spans = weeklySpans(line)
        if (Array.isArray(spans)) return spans
        mistakes.push({ path: ['hours', name, 'open', index], ...spans })
        return []
      })
      const holidays = written.holidays === undefined ? [] : holidaysOf(written.holidays, now, timeZone)
      if (!Array.isArray(holidays)) mistakes.push({ path: ['hours', name, 'holidays'], ...holidays })
      return [name, { timeZone, weekly, holidays: Array.isArray(holidays) ? holidays : [] }]
    }),
  )
  return { hours, mistakes }
}

function noZone(path: Path, written: string): Mistake {
  return { path, message: `"${written}" is not a time zone`, hint: 'Write it as Europe/Berlin, Europe/Zurich or UTC.' }
}
