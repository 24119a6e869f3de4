/** What the operator says of status SMS, checked and in the domain's words: which template for which event, and under which rules. */
import type { TicketStatus } from '../ticket/status.ts'
import type { Rules } from './decide.ts'
import type { KeywordSets } from './keywords.ts'
import { languageFor } from './language.ts'
import type { RecipientRules } from './recipient.ts'
import type { Template } from './template.ts'
import type { TemplateCheck, Size } from './template-check.ts'
import type { StatusWords } from './ticket-words.ts'
import type { UncertainPolicy } from './uncertain.ts'
import type { Placeholders } from './values.ts'
import type { Window } from './window.ts'

/** The text of a template in one language, what it may say, and what was found when it was checked. */
export type Wording = { template: Template; placeholders: Placeholders; usual: Size; worst: Size } & Pick<
  TemplateCheck,
  'forcesUcs2' | 'mayForceUcs2'
>

export type SmsTemplate = {
  event: string
  isAnswer: boolean
  tells: TicketStatus | null
  hasTicket: boolean
  purpose: string | null
  window: Window
  goodForMs: number
  onUncertain: UncertainPolicy
  /** Null: the usual one. */
  sender: string | null
  /** What another system's event must bring, by name. */
  data: string[]
  wording: Record<string, Wording>
}

export type SmsDefinition = {
  /** For numbers that no customer with a zone of their own has. */
  timeZone: string
  sender: string
  /** By country of the recipient (ISO 3166), because not every sender is allowed everywhere. */
  senders: Record<string, string>
  recipients: RecipientRules
  rules: Rules
  mostParts: number
  /** Of the longest header that any route puts before a part. One cut for all of them: what is left to send is counted in its parts. */
  referenceBits: 8 | 16
  /** For people whose language no template is written in. */
  languages: string[]
  words: KeywordSets
  /** Which purpose a word opts out of, or into again: by the word as `readOrder` gives it. */
  purposes: { opt_out: Record<string, string>; opt_in: Record<string, string> }
  /** By language. */
  statusWords: Record<string, StatusWords>
  templates: Record<string, SmsTemplate>
}

/** The text for somebody who reads `language` best; null only if there is none in any. */
export function wordingFor(
  template: SmsTemplate,
  language: string | null,
  languages: readonly string[],
): { language: string; wording: Wording } | null {
  const written = Object.keys(template.wording)
  // The first language of the lines is what everybody else gets.
  const chosen = languageFor(language, [...languages.filter((one) => written.includes(one)), ...written])
  const wording = chosen === null ? undefined : template.wording[chosen]
  return chosen === null || wording === undefined ? null : { language: chosen, wording }
}

/** Where a country has a sender of its own, nothing else gets through there. */
export function senderFor(definition: SmsDefinition, template: SmsTemplate, country: string | null): string {
  const ofCountry = country === null ? undefined : definition.senders[country]
  return ofCountry ?? template.sender ?? definition.sender
}
