/** What a message can say of a ticket: `{ticket.number}`, `{ticket.status}`, `{ticket.since}`, `{ticket.subject}`. */
import type { TicketStatus } from '../ticket/status.ts'
import type { Placeholders } from './values.ts'

export type StatusWords = Readonly<Record<TicketStatus, string>>

export type TicketFacts = { number: string; subject: string; status: TicketStatus /** In this status since. Epoch ms. */; sinceAt: number }

/** More tickets than a company numbers in its life, and the check digit. */
const longestNumber = '9'.repeat(10)
const mostSubjectUnits = 30

/** `words` are those of the language; null where there are none, and then `ticket.status` is no placeholder. */
export function ticketPlaceholders(language: string, words: StatusWords | null): Placeholders {
  return {
    'ticket.number': { longest: longestNumber },
    ...(words === null ? {} : { 'ticket.status': { longest: longest(Object.values(words)) } }),
    'ticket.since': { longest: longest(months.map((month) => momentIn(language, 'UTC', Date.UTC(2028, month, 28, 20, 58)))) },
    'ticket.subject': { usual: 'x'.repeat(mostSubjectUnits), mostUnits: mostSubjectUnits },
  }
}

/** The values for them, with times on the recipient's clock. */
export function ticketValues(ticket: TicketFacts, language: string, timeZone: string, words: StatusWords | null): Record<string, string> {
  return {
    'ticket.number': ticket.number,
    ...(words === null ? {} : { 'ticket.status': words[ticket.status] }),
    'ticket.since': momentIn(language, timeZone, ticket.sinceAt),
    'ticket.subject': ticket.subject,
  }
}

const months = Array.from({ length: 12 }, (_, month) => month)
const formats = new Map<string, Intl.DateTimeFormat>()

/** `2. März, 10:15`, `2 Mar, 10:15`: no month that is a number, because half of the world reads those the other way round. */
function momentIn(language: string, timeZone: string, at: number): string {
  const key = `${language} ${timeZone}`
  let format = formats.get(key)
  if (format === undefined) {
    format = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
      timeZone,
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(key, format)
  }
  return format.format(at)
}

function longest(texts: readonly string[]): string {
  return texts.reduce((longest, text) => (text.length > longest.length ? text : longest), '')
}
