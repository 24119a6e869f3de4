/**
 * The small values of `pforte.yaml`. `title` finishes the sentence "… is not
 * {title}", `patternErrorMessage` is the hint (editors show it too), and
 * `description` says what a key is for.
 */
import Type from 'typebox'
import { durationPattern } from '../duration.ts'

/** Longest of any name: it goes into rows, channel ids and metric labels. */
const mostNameLetters = 40

const namePattern = `^[a-z][a-z0-9_-]{0,${mostNameLetters - 1}}$`
const nameTitle = 'a name'
const nameHint = `Use up to ${mostNameLetters} small letters, digits, _ and -, beginning with a letter.`

/** A name given by the operator: of a step, a queue, an agent … */
export const name = (description: string) =>
  Type.String({ title: nameTitle, pattern: namePattern, patternErrorMessage: nameHint, description })

/** A section whose entries the operator names. `keyTitle` and `keyHint` do for its keys what a title and hint do for a value. */
export const named = <T extends Type.TSchema>(value: T, description: string, limits: { minProperties?: number } = {}) =>
  Type.Record(Type.String({ pattern: namePattern }), value, {
    additionalProperties: false,
    keyTitle: nameTitle,
    keyHint: nameHint,
    description,
    ...limits,
  })

/** `20s`. The limits are written the same way. */
export const duration = (description: string, limits: { atLeast: string; atMost: string; default?: string }) =>
  Type.String({
    title: 'a duration',
    pattern: durationPattern,
    patternErrorMessage: 'Write a whole number and ms, s, m, h or d right behind it: 300ms, 20s, 1m.',
    description,
    durationRange: [limits.atLeast, limits.atMost],
    ...(limits.default === undefined ? {} : { default: limits.default }),
  })

export const whole = (description: string, limits: { minimum: number; maximum: number; default?: number }) =>
  Type.Integer({ title: 'a whole number', description, ...limits })

/** `1%` or `0.5%`. */
export const percent = (description: string, byDefault: string) =>
  Type.String({
    title: 'a percentage',
    pattern: '^(100|[0-9]{1,2}(\\.[0-9]{1,3})?)%$',
    patternErrorMessage: 'Write it as 1% or 0.5%.',
    description,
    default: byDefault,
  })

export const languagePattern = '^[a-z]{2}(-[A-Z]{2})?$'
const languageHint = 'Write a language as de, en or en-US.'
export const byLanguage = <T extends Type.TSchema>(value: T, description: string) =>
  Type.Record(Type.String({ pattern: languagePattern }), value, {
    additionalProperties: false,
    minProperties: 1,
    keyTitle: 'a language',
    keyHint: languageHint,
    description,
  })
export const language = (description: string) =>
  Type.String({ title: 'a language', pattern: languagePattern, patternErrorMessage: languageHint, description })

/** Called and calling numbers are kept as E.164 everywhere. */
export const phoneNumber = (description: string) =>
  Type.String({
    title: 'a telephone number',
    pattern: '^\\+[1-9][0-9]{4,14}$',
    patternErrorMessage: "Write it in quotes, with country code and without spaces: '+49621555100'.",
    description,
  })

export const text = (description: string, limits: { maxLength: number }) =>
  Type.String({ title: 'a text', minLength: 1, ...limits, description })

/** One or several prompt names, spoken one after the other. */
export const promptNames = (description: string) =>
  Type.Union([name(description), Type.Array(name(description), { minItems: 1, maxItems: 10 })], {
    title: 'a prompt or a list of prompts',
    patternErrorMessage: 'Write the name of a prompt, or several as [first, second].',
    description,
  })

/** `DE-BW`; whether there is such a region is asked of the calendar. */
export const holidayRegion = (description: string) =>
  Type.String({
    title: 'a holiday region',
    pattern: '^[A-Z]{2}(-[A-Z0-9]{1,3}(-[A-Z0-9]{1,8})?)?$',
    patternErrorMessage: 'Write country and region: DE-BW, DE-BE, AT-9.',
    description,
  })

export const timeZone = (description: string, limits: { default?: string } = {}) =>
  Type.String({ title: 'a time zone', maxLength: 60, description, ...limits })

/** ISO 3166. */
export const countryPattern = '^[A-Z]{2}$'
export const countryHint = 'Write the two capital letters of the country: DE, AT, CH.'
export const country = (description: string, limits: { default?: string } = {}) =>
  Type.String({ title: 'a country', pattern: countryPattern, patternErrorMessage: countryHint, description, ...limits })

/** One word of a few. */
export const oneOf = <T extends string>(words: readonly T[], description: string, more: { default?: T; hint?: string } = {}) => {
  const { hint, ...limits } = more
  const title = `${words.slice(0, -1).join(', ')} or ${String(words.at(-1))}`
  return Type.Unsafe<T>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { title, patternErrorMessage: hint ?? `Write ${title}.`, description, ...limits },
    ),
  )
}

export const yesOrNo = (description: string, byDefault: boolean) =>
  Type.Boolean({ title: 'true or false', patternErrorMessage: 'Write true or false, without quotes.', description, default: byDefault })
