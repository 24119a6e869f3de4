/** Status SMS: from what is written to what the domain decides by. */
import { isSupportedCountry } from 'libphonenumber-js/min'
import type { Cap } from '../domain/sms/caps.ts'
import { everyPurpose } from '../domain/sms/consent.ts'
import type { SmsDefinition } from '../domain/sms/definition.ts'
import { keywordsOf } from '../domain/sms/keywords.ts'
import type { KeywordSets, Order } from '../domain/sms/keywords.ts'
import type { StatusWords } from '../domain/sms/ticket-words.ts'
import type { UncertainPolicy } from '../domain/sms/uncertain.ts'
import type { Window } from '../domain/sms/window.ts'
import { ticketStatuses } from '../domain/ticket/status.ts'
import { ms } from './flow.ts'
import { holidaysOf, isTimeZone, windowSpan } from './hours.ts'
import type { Path } from './problem.ts'
import { filled } from './schema/filled.ts'
import type { ServiceFile } from './schema/service.ts'
import * as schema from './schema/sms.ts'
import { templatesOf } from './sms-templates.ts'
import { suggest } from './suggest.ts'
import type { Mistake } from './validate.ts'

export type SmsSurroundings = {
  country: string
  timeZone: string
  /** Of the lines. */
  languages: string[]
  /** Of the longest header that a route puts before each part. */
  referenceBits: 8 | 16
  /** Epoch ms. */
  now: number
}

/** Null where the file has no such section: then no message is ever sent. */
export function smsOf(written: ServiceFile['sms'], surroundings: SmsSurroundings): { sms: SmsDefinition | null; mistakes: Mistake[] } {
  if (written === undefined) return { sms: null, mistakes: [] }
  const mistakes: Mistake[] = []
  const sms = filled(schema.sms, written)
  const timeZone = written.time_zone ?? surroundings.timeZone
  if (!isTimeZone(timeZone)) {
    const hint = 'Write it as Europe/Berlin, Europe/Zurich or UTC.'
    mistakes.push({ path: ['sms', 'time_zone'], message: `"${timeZone}" is not a time zone`, hint })
  }
  const windowAt = windows(written, surroundings, mistakes)
  const policy = (is: 'leave' | 'resend'): UncertainPolicy => (is === 'leave' ? { is } : { is, afterMs: ms(sms.resend_after) })
  const statusWords = statusWordsOf(written)
  const { templates, mistakes: templateMistakes } = templatesOf(written.templates ?? {}, {
    languages: surroundings.languages,
    statusWords,
    goodForMs: ms(sms.good_for),
    onUncertain: policy(sms.on_uncertain),
    policy,
    usualWindow: windowAt(['sms', 'window'], sms.window),
    windowAt,
    encoding: { mostParts: sms.most_parts, referenceBits: surroundings.referenceBits },
  })
  const purposes = [...new Set(Object.values(templates).flatMap(({ purpose }) => (purpose === null ? [] : [purpose])))]
  const { words, purposeOf, mistakes: wordMistakes } = wordsOf(written, purposes)
  for (const [index, country] of (written.countries ?? []).entries()) mistakes.push(...unknownCountry(['sms', 'countries', index], country))
  for (const country of Object.keys(sms.senders)) mistakes.push(...unknownCountry(['sms', 'senders', country], country, 'key'))
  const caps = filled(schema.smsCaps, written.caps)
  const strangers = filled(schema.strangers, written.caps?.strangers)
  return {
    sms: {
      timeZone,
      sender: sms.sender,
      senders: { ...sms.senders },
      recipients: { countries: [...(written.countries ?? [surroundings.country])], landlines: sms.landlines },
      rules: {
        caps: caps.per_recipient.map(capOf),
        answerCaps: caps.answers.map(capOf),
        strangerCaps: { perNumber: capOf(strangers.per_number), perLine: capOf(strangers.per_line), inTotal: capOf(strangers.in_total) },
        spreadMs: ms(sms.spread),
      },
      mostParts: sms.most_parts,
      referenceBits: surroundings.referenceBits,
      languages: [...surroundings.languages],
      words,
      purposes: purposeOf,
      statusWords,
      templates,
    },
    mistakes: [mistakes, templateMistakes, wordMistakes].flat(),
  }
}

/** Each window with Sundays and holidays; a place that is not legible is open always, and told. */
function windows(
  written: NonNullable<ServiceFile['sms']>,
  { timeZone, now }: SmsSurroundings,
  mistakes: Mistake[],
): (path: Path, window: string) => Window {
  const sundays = written.sundays ?? true
  const found = written.holidays === undefined ? [] : holidaysOf(written.holidays, now, timeZone)
  const holidays = Array.isArray(found) ? found : []
  if (!Array.isArray(found)) mistakes.push({ path: ['sms', 'holidays'], ...found })
  // One for each way to write it, so that all messages of a window ask the same one.
  const known = new Map<string, Window>()
  return (path, window) => {
    const before = known.get(window)
    if (before !== undefined) return before
    const span = windowSpan(window)
    if (typeof span === 'object' && 'message' in span) {
      mistakes.push({ path, ...span })
      return 'always'
    }
    const isAlways = span === 'always' || (span.fromMinute === 0 && span.toMinute === 1440 && sundays && holidays.length === 0)
    const made: Window = isAlways ? 'always' : { ...span, sundays, holidays }
    known.set(window, made)
    return made
  }
}

function capOf({ most, in: span }: { most: number; in: string }): Cap {
  return { most, inMs: ms(span) }
}

/** By language; those that lack a word for any status are not in it. */
function statusWordsOf(written: NonNullable<ServiceFile['sms']>): Record<string, StatusWords> {
  const byStatus = filled(schema.statusWords, written.status_words)
  const languages = Object.keys(byStatus.received)
  return Object.fromEntries(
    languages.flatMap((language): [string, StatusWords][] => {
      const words = Object.fromEntries(ticketStatuses.map((status) => [status, byStatus[status][language]]))
      return Object.values(words).includes(undefined) ? [] : [[language, words as StatusWords]]
    }),
  )
}

function wordsOf(
  written: NonNullable<ServiceFile['sms']>,
  purposes: readonly string[],
): { words: KeywordSets; purposeOf: SmsDefinition['purposes']; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const { opt_out, opt_in, status } = filled(schema.smsWords, written.words)
  const placed: Record<Order, { word: string; path: Path; purpose: string }[]> = {
    opt_out: placesOf('opt_out', opt_out),
    opt_in: placesOf('opt_in', opt_in),
    status: status.map((word, index) => ({ word, path: ['sms', 'words', 'status', index], purpose: everyPurpose })),
  }
  const words: KeywordSets = {
    opt_out: placed.opt_out.map(({ word }) => word),
    opt_in: placed.opt_in.map(({ word }) => word),
    status: placed.status.map(({ word }) => word),
  }
  for (const { order, index, message, hint } of keywordsOf(words).problems) {
    mistakes.push({ path: placed[order][index]?.path ?? ['sms', 'words', order], message, hint })
  }
  const purposeOf: SmsDefinition['purposes'] = { opt_out: {}, opt_in: {} }
  for (const order of ['opt_out', 'opt_in'] as const) {
    for (const { word, path, purpose } of placed[order]) {
      if (purpose !== everyPurpose && !purposes.includes(purpose)) {
        const hint = suggest(purpose, [everyPurpose, ...purposes], '')
        mistakes.push({ path: path.slice(0, -1), of: 'key', message: `no message has the purpose ${purpose}`, hint })
      }
      for (const folded of keywordsOf({ opt_out: [word], opt_in: [], status: [] }).keywords.keys()) {
        const other = purposeOf[order][folded]
        if (other !== undefined && other !== purpose) {
          mistakes.push({ path, message: `${word} stands under ${other} as well`, hint: 'A word can mean one purpose only.' })
        }
        purposeOf[order][folded] ??= purpose
      }
    }
  }
  return { words, purposeOf, mistakes }
}

function placesOf(order: Order, byPurpose: Record<string, string[]>): { word: string; path: Path; purpose: string }[] {
  return Object.entries(byPurpose).flatMap(([purpose, words]) =>
    words.map((word, index) => ({ word, path: ['sms', 'words', order, purpose, index], purpose })),
  )
}

function unknownCountry(path: Path, country: string, of?: 'key'): Mistake[] {
  if (isSupportedCountry(country)) return []
  const hint = country === 'UK' ? 'The United Kingdom is GB.' : 'Write its code after ISO 3166: DE, AT, CH, GB, US.'
  return [{ path, ...(of === undefined ? {} : { of }), message: `"${country}" is not a country with telephone numbers`, hint }]
}
