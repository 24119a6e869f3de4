/** The messages: each text held against what its event can say, and against the parts it may take. */
import type { SmsTemplate, Wording } from '../domain/sms/definition.ts'
import { everyPurpose } from '../domain/sms/consent.ts'
import { ownEvent, ownEventNames } from '../domain/sms/events.ts'
import { pinEvent, pinPlaceholders } from '../domain/sms/pin-words.ts'
import type { EncodeOptions } from '../domain/sms/segments.ts'
import { placeholdersIn } from '../domain/sms/template.ts'
import { checkTemplate } from '../domain/sms/template-check.ts'
import { ticketPlaceholders } from '../domain/sms/ticket-words.ts'
import type { StatusWords } from '../domain/sms/ticket-words.ts'
import type { UncertainPolicy } from '../domain/sms/uncertain.ts'
import { leastUnits } from '../domain/sms/values.ts'
import type { Placeholders } from '../domain/sms/values.ts'
import type { Window } from '../domain/sms/window.ts'
import { ms } from './flow.ts'
import type { Path } from './problem.ts'
import type { ServiceFile } from './schema/service.ts'
import { languagePattern } from './schema/values.ts'
import { suggest } from './suggest.ts'
import type { Mistake } from './validate.ts'

type Written = NonNullable<ServiceFile['sms']>['templates'][string]

export type TemplateSurroundings = {
  languages: readonly string[]
  statusWords: Readonly<Record<string, StatusWords>>
  goodForMs: number
  onUncertain: UncertainPolicy
  policy(is: 'leave' | 'resend'): UncertainPolicy
  usualWindow: Window
  windowAt(path: Path, window: string): Window
  encoding: EncodeOptions
}

const isLanguage = new RegExp(languagePattern)

export function templatesOf(
  written: Record<string, Written>,
  surroundings: TemplateSurroundings,
): { templates: Record<string, SmsTemplate>; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const templates: Record<string, SmsTemplate> = {}
  for (const [event, template] of Object.entries(written)) {
    mistakes.push(...eventMistakes(event, template))
    templates[event] = templateOf(event, template, surroundings, mistakes)
  }
  // A voicemail's ticket is received like any other; only at once.
  const { 'ticket.received': received, 'voicemail.received': ofVoicemail } = templates
  if (received !== undefined && ofVoicemail === undefined) {
    templates['voicemail.received'] = {
      ...received,
      event: 'voicemail.received',
      isAnswer: written['ticket.received']?.window === undefined,
    }
  }
  return { templates, mistakes }
}

function templateOf(event: string, written: Written, surroundings: TemplateSurroundings, mistakes: Mistake[]): SmsTemplate {
  const own = ownEvent(event)
  const at = ['sms', 'templates', event]
  const data = Object.keys(written.data ?? {})
  return {
    event,
    // Whoever gives an answer a window wants it to wait like any other message.
    isAnswer: (own?.isAnswer ?? false) && (written.window === undefined || written.window === 'always'),
    tells: own?.tells ?? null,
    hasTicket: own?.hasTicket ?? false,
    purpose: own !== null && own.purpose === null ? null : (written.purpose ?? own?.purpose ?? event.split('.')[0] ?? event),
    window: written.window === undefined ? surroundings.usualWindow : surroundings.windowAt([...at, 'window'], written.window),
    goodForMs: written.good_for === undefined ? (own?.goodForMs ?? surroundings.goodForMs) : ms(written.good_for),
    onUncertain: written.on_uncertain === undefined ? surroundings.onUncertain : surroundings.policy(written.on_uncertain),
    sender: written.sender ?? null,
    data,
    wording: wordingOf(event, written, surroundings, mistakes),
  }
}

function wordingOf(event: string, written: Written, surroundings: TemplateSurroundings, mistakes: Mistake[]): Record<string, Wording> {
  const at = ['sms', 'templates', event]
  const texts = Object.entries(written).filter((entry): entry is [string, string] => isLanguage.test(entry[0]))
  const missing = surroundings.languages.filter((language) => !texts.some(([written]) => written === language))
  if (missing.length > 0) {
    const message = `the message ${event} has no text in ${missing.join(', ')}`
    mistakes.push({ path: at, of: 'key', message, hint: `A line of yours speaks it. Add ${missing[0]}: with the text.` })
  }
  const wording: Record<string, Wording> = {}
  for (const [language, text] of texts) {
    const words = surroundings.statusWords[language] ?? null
    if (words === null && ownEvent(event)?.hasTicket && /\{\s*ticket\.status\s*\}/.test(text)) {
      const hint = `Add ${language} to received, in_progress and completed of status_words.`
      mistakes.push({ path: [...at, language], message: `{ticket.status} has no words in ${language}`, hint })
      continue
    }
    const placeholders = placeholdersOf(event, language, words, written.data ?? {})
    const { template, problems, usual, worst, forcesUcs2, mayForceUcs2 } = checkTemplate(text, placeholders, surroundings.encoding)
    for (const { message, hint } of problems) mistakes.push({ path: [...at, language], message, hint })
    if (event === pinEvent && template !== null && !placeholdersIn(template).includes('pin'))
      mistakes.push({ path: [...at, language], message: 'this message does not say the PIN', hint: 'Write {pin} where it stands.' })
    if (template !== null && usual !== null && worst !== null) {
      wording[language] = { template, placeholders, usual, worst, forcesUcs2, mayForceUcs2 }
    }
  }
  return wording
}

function placeholdersOf(event: string, language: string, words: StatusWords | null, data: Record<string, number>): Placeholders {
  if (ownEvent(event)?.hasTicket) return ticketPlaceholders(language, words)
  if (event === pinEvent) return pinPlaceholders
  return Object.fromEntries(
    Object.entries(data).map(([name, most]) => [`data.${name}`, { usual: 'x'.repeat(most), mostUnits: Math.max(leastUnits, most) }]),
  )
}

/** What an event of this name cannot have. */
function eventMistakes(event: string, written: Written): Mistake[] {
  const at = ['sms', 'templates', event]
  const own = ownEvent(event)
  const mistakes: Mistake[] = []
  const [realm] = event.split('.')
  const namesakes = ownEventNames.filter((name) => name.startsWith(`${realm}.`))
  if (own === null && namesakes.length > 0) {
    mistakes.push({ path: at, of: 'key', message: `there is no event ${event}`, hint: suggest(event, namesakes, '') })
  }
  if (own !== null && written.data !== undefined) {
    const brings = event === pinEvent ? 'This one brings a PIN: {pin}.' : 'This one brings nothing.'
    const hint = own.hasTicket ? 'This one speaks of a ticket: {ticket.number}.' : brings
    mistakes.push({ path: [...at, 'data'], of: 'key', message: 'data is what events of other systems bring', hint })
  }
  if (written.purpose === everyPurpose) {
    const message = `${everyPurpose} is not the purpose of a message`
    mistakes.push({ path: [...at, 'purpose'], message, hint: 'It means all there are, for those who opt out. Take another name.' })
  } else if (own !== null && own.purpose === null && written.purpose !== undefined) {
    const message = `${event} has no purpose that people could opt out of`
    mistakes.push({ path: [...at, 'purpose'], of: 'key', message, hint: 'It goes to who asked for it just now. Take the line out.' })
  }
  return mistakes
}
