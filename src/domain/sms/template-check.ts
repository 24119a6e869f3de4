/**
 * What a template will cost and whether it works, found when it is loaded and
 * not when a customer waits: unknown placeholders, texts that cannot be sent,
 * how many parts a message takes with the longest values there can be, and
 * which characters make it UCS-2.
 */
import { nearestName } from '../nearest-name.ts'
import { toSeptets } from './gsm7.ts'
import { codePointName, firstRefused, tidy } from './sendable.ts'
import { type Coding, type EncodeOptions, encodeText, mostPartsEver, partsAtMost, sayUnsendable } from './segments.ts'
import { type Piece, type Template, type TemplateProblem, parseTemplate, placeholdersIn } from './template.ts'
import { transliterate } from './transliterate.ts'
import { type Placeholders, isFree, mostUnitsOf, unitsIn } from './values.ts'

export type Size = { coding: Coding; units: number; parts: number }

/** A character of the template itself that GSM-7 has not, and where it stands first (in the text's NFC form). */
export type ForcingCharacter = { character: string; codePoint: string; at: number }

export type TemplateCheck = {
  /** Null if it cannot be used: see `problems`. */
  template: Template | null
  problems: TemplateProblem[]
  /** With usual values in what people wrote, and the longest in the rest. Null where there are problems in the way. */
  usual: Size | null
  /** No message is larger, whatever the values. */
  worst: Size | null
  /** Each once. Without them the message would be GSM-7 with usual values. */
  forcesUcs2: ForcingCharacter[]
  /** Placeholders through which a value may make the message UCS-2. */
  mayForceUcs2: string[]
}

/** Checks a template against what its event can say (`placeholders`) and the number of parts allowed. */
export function checkTemplate(text: string, placeholders: Placeholders, options: EncodeOptions): TemplateCheck {
  const refused = firstRefused(text)
  if (refused !== null)
    return broken([{ at: refused.at, length: 1, message: sayUnsendable(refused), hint: 'Delete it, no phone shows it.' }])
  const parsed = parseTemplate(text)
  if (!parsed.ok) return broken(parsed.problems)
  const { template } = parsed
  const problems = unknownPlaceholders(template, placeholders)
  if (problems.length > 0) return broken(problems)

  const usual = filled(template, (placeholder) => {
    const declared = placeholders[placeholder]!
    return isFree(declared) ? declared.usual : declared.longest
  })
  // Whether it can be sent at all; its size is judged below.
  const encoded = encodeText(usual, { ...options, mostParts: mostPartsEver })
  if (!encoded.ok) {
    const hint = encoded.why === 'empty' ? 'Write the text that the customer is to read.' : 'Shorten the text.'
    return broken([{ at: 0, length: text.length, message: sayUnsendable(encoded), hint }])
  }

  const { sizes, mayForceUcs2 } = largest(template, placeholders, options)
  const forcesUcs2 = forcingCharacters(template, text)
  const worst = sizes.reduce((most, size) => (size.parts > most.parts ? size : most))
  if (worst.parts > options.mostParts) {
    return { ...broken([tooLong(worst, forcesUcs2, mayForceUcs2, text, options.mostParts)]), worst, forcesUcs2, mayForceUcs2 }
  }
  const size = { coding: encoded.coding, units: encoded.units, parts: encoded.parts.length }
  return { template, problems: [], usual: size, worst, forcesUcs2, mayForceUcs2 }
}

function broken(problems: TemplateProblem[]): TemplateCheck {
  return { template: null, problems, usual: null, worst: null, forcesUcs2: [], mayForceUcs2: [] }
}

function unknownPlaceholders(template: Template, placeholders: Placeholders): TemplateProblem[] {
  const known = Object.keys(placeholders)
  return template.flatMap((piece) => {
    if ('text' in piece || Object.hasOwn(placeholders, piece.placeholder)) return []
    const { placeholder, at } = piece
    const meant = nearestName(placeholder, known)
    const all = known.length === 0 ? 'This event brings none.' : `This event brings ${known.map((one) => `{${one}}`).join(', ')}.`
    const message = `there is no placeholder {${placeholder}}`
    return [{ at, length: placeholder.length + 2, message, hint: meant === null ? all : `Did you mean {${meant}}?` }]
  })
}

/**
 * The size of the largest message there can be, in each coding that values can
 * lead to. Counts of values add up in either coding (values.ts); letters and
 * accents that join at their edges become fewer.
 */
function largest(
  template: Template,
  placeholders: Placeholders,
  { referenceBits }: EncodeOptions,
): { sizes: Size[]; mayForceUcs2: string[] } {
  const literal = literalOf(template)
  const isPlain = isGsm7(literal)
  const mayForceUcs2 = placeholdersIn(template).filter((one) => {
    const declared = placeholders[one]!
    return isFree(declared) || !isGsm7(declared.longest)
  })
  const hasFree = placeholdersIn(template).some((one) => isFree(placeholders[one]!))
  const longest = filled(template, (one) => {
    const declared = placeholders[one]!
    return isFree(declared) ? '' : declared.longest
  })
  const codings: Coding[] = []
  if (isPlain) codings.push('gsm7')
  if (!isPlain || mayForceUcs2.length > 0) codings.push('ucs2')
  const sizes = codings.map((coding) => {
    let units = 0
    for (const piece of template) {
      units += 'text' in piece ? unitsIn(piece.text, coding) : mostUnitsOf(placeholders[piece.placeholder]!, coding)
    }
    return { coding, units, parts: partsAtMost(units, coding, hasFree || hasPairs(longest, coding), referenceBits) }
  })
  return { sizes, mayForceUcs2 }
}

function literalOf(template: Template): string {
  return filled(template, () => '')
}

function filled(template: Template, value: (placeholder: string) => string): string {
  return template.map((piece: Piece) => ('text' in piece ? piece.text : value(piece.placeholder))).join('')
}

function isGsm7(text: string): boolean {
  return toSeptets(transliterate(tidy(text))) !== null
}

function hasPairs(text: string, coding: Coding): boolean {
  const written = tidy(text)
  if (coding === 'ucs2') return /[\ud800-\udbff]/.test(written)
  return (toSeptets(transliterate(written))?.length ?? 0) > transliterate(written).length
}

function forcingCharacters(template: Template, text: string): ForcingCharacter[] {
  const literal = literalOf(template)
  const characters = new Set([...literal.normalize('NFC')].filter((character) => !isGsm7(character)))
  return [...characters].map((character) => ({
    character,
    codePoint: codePointName(character),
    at: text.normalize('NFC').indexOf(character),
  }))
}

function tooLong(
  worst: Size,
  forcesUcs2: readonly ForcingCharacter[],
  mayForceUcs2: readonly string[],
  text: string,
  mostParts: number,
): TemplateProblem {
  const message = `takes ${worst.parts} parts at worst (${sayCoding(worst.coding)}), ${mostParts} ${mostParts === 1 ? 'is' : 'are'} allowed`
  const because =
    worst.coding === 'gsm7'
      ? ''
      : forcesUcs2.length > 0
        ? ` Without ${forcesUcs2.map(({ character, codePoint }) => `${character} (${codePoint})`).join(', ')} more would fit in a part.`
        : ` A value of ${mayForceUcs2.map((one) => `{${one}}`).join(', ')} may hold any character, and then less fits in a part.`
  return { at: 0, length: text.length, message, hint: `Shorten the text, or allow more parts.${because}` }
}

function sayCoding(coding: Coding): string {
  return coding === 'gsm7' ? 'GSM-7' : 'UCS-2'
}
