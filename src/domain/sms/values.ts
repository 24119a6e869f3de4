/**
 * What a placeholder of a template may be filled with, and how a value is made
 * fit to stand in a message: on one line, and of a known length at most, so
 * that the parts of a message can be foretold when its template is loaded.
 *
 * Room is counted in units: septets in a GSM-7 message, 16-bit units in a
 * UCS-2 one. A value is cut so that it fits in either, because another value
 * may decide which it becomes.
 */
import assert from 'node:assert/strict'
import { septetsFor } from './gsm7.ts'
import type { Coding } from './segments.ts'
import { tidy } from './sendable.ts'
import { transliterate, transliterations } from './transliterate.ts'

/** Values are ours (numbers, times): never cut, because half a ticket number is a wrong one. `longest` is the longest there can be. */
export type ExactPlaceholder = { longest: string }

/** People wrote the values, so any character may be in them. Longer ones than `mostUnits` are cut and end with `…`. */
export type FreePlaceholder = { usual: string; mostUnits: number }

export type Placeholder = ExactPlaceholder | FreePlaceholder

/** By name as it stands between braces: `ticket.number`. */
export type Placeholders = Readonly<Record<string, Placeholder>>

const cutMark = '…'
/** In GSM-7 it is written with three dots. */
const cutMarkUnits = transliterations.get(cutMark)!.length
/** Less would leave nothing of a value but the mark. */
export const leastUnits = 2 * cutMarkUnits

const asSeen = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** True for a placeholder whose values may hold any character. */
export function isFree(placeholder: Placeholder): placeholder is FreePlaceholder {
  return 'mostUnits' in placeholder
}

/**
 * The value as it is put into a text: line ends and runs of white space become
 * one space, and a free one is cut where it is too long. An accent at its
 * beginning gets a space to stand on, so that it changes no letter of ours.
 */
export function fitValue(value: string, placeholder: Placeholder): string {
  const line = tidy(value)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^\p{M}/u, ' $&')
  return isFree(placeholder) ? cutToUnits(line, placeholder.mostUnits) : line
}

/** The room that any value of the placeholder takes at most in a message of that coding. */
export function mostUnitsOf(placeholder: Placeholder, coding: Coding): number {
  return isFree(placeholder) ? placeholder.mostUnits : unitsIn(placeholder.longest, coding)
}

/** The room that the text takes in a message of that coding. A character that GSM-7 has not counts as one septet. */
export function unitsIn(text: string, coding: Coding): number {
  const written = tidy(text)
  if (coding === 'ucs2') return written.length
  let septets = 0
  for (const character of transliterate(written)) septets += septetsFor(character.charCodeAt(0)) || 1
  return septets
}

/**
 * The text, or as much of its beginning as takes so much room with `…` after
 * it, in either coding. Cut between what is seen as one character, so that no
 * emoji and no accent comes apart.
 */
export function cutToUnits(text: string, mostUnits: number): string {
  assert(mostUnits >= leastUnits, `a value is not cut to less than ${leastUnits}`)
  const written = tidy(text)
  if (written.length <= mostUnits && unitsIn(written, 'gsm7') <= mostUnits) return written
  let kept = ''
  let units = cutMarkUnits
  for (const { segment } of asSeen.segment(written)) {
    units += Math.max(unitsIn(segment, 'gsm7'), segment.length)
    if (units > mostUnits) break
    kept += segment
  }
  return kept.trimEnd() + cutMark
}
