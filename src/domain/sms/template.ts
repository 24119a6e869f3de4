/**
 * The wording of a message: text with placeholders in braces,
 *
 *     Ihre Störung {ticket.number} ist behoben.
 *
 * A brace that is meant as one is doubled: `{{` and `}}`. There is no
 * condition and no loop: another wording is another template. What a template
 * may speak of is declared by event (`Placeholders`), and `template-check.ts`
 * finds what is wrong when it is loaded, so that rendering fails only where an
 * event came without one of its values.
 */
import { type Placeholders, fitValue } from './values.ts'

export type Template = readonly Piece[]
export type Piece = { text: string } | { placeholder: string; at: number }

/** What is wrong with a template and how it is mended. `at` counts UTF-16 units from 0, in the text as it was given. */
export type TemplateProblem = { at: number; length: number; message: string; hint: string }

export type Rendered = { ok: true; text: string } | { ok: false; missing: string[] }

/** A doubled brace, a placeholder, or a brace that is neither. Names are short; an open brace swallows no whole text. */
const token = /\{\{|\}\}|\{([^{}\n]{0,100})\}|[{}]/g
const name = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*$/

/** The template in pieces. White space around it is not part of it: YAML leaves a line end there. */
export function parseTemplate(text: string): { ok: true; template: Template } | { ok: false; problems: TemplateProblem[] } {
  const pieces: Piece[] = []
  const problems: TemplateProblem[] = []
  let literal = ''
  let place = text.length - text.trimStart().length
  const end = text.trimEnd().length
  for (const found of text.matchAll(token)) {
    const [written, inside] = found
    literal += text.slice(place, found.index)
    place = found.index + written.length
    if (inside === undefined) {
      literal += written[0]
      if (written.length === 1) problems.push(loneBrace(written, found.index))
      continue
    }
    if (literal !== '') pieces.push({ text: literal })
    literal = ''
    const placeholder = inside.trim()
    pieces.push({ placeholder, at: found.index })
    if (!name.test(placeholder)) problems.push(noName(placeholder, found.index, written.length))
  }
  literal += text.slice(place, Math.max(place, end))
  if (literal !== '') pieces.push({ text: literal })
  return problems.length > 0 ? { ok: false, problems } : { ok: true, template: pieces }
}

/** The names of the placeholders in it, each once. */
export function placeholdersIn(template: Template): string[] {
  return [...new Set(template.flatMap((piece) => ('placeholder' in piece ? [piece.placeholder] : [])))]
}

/**
 * The text with the values put in, each made to fit (`fitValue`). Braces in a
 * value are what they are. A value that the event did not bring is named in
 * `missing`; an empty one is a value.
 */
export function renderTemplate(template: Template, values: Readonly<Record<string, string>>, placeholders: Placeholders): Rendered {
  const missing = new Set<string>()
  let text = ''
  for (const piece of template) {
    if ('text' in piece) {
      text += piece.text
      continue
    }
    const { placeholder } = piece
    if (Object.hasOwn(values, placeholder) && Object.hasOwn(placeholders, placeholder)) {
      text += fitValue(values[placeholder]!, placeholders[placeholder]!)
    } else missing.add(placeholder)
  }
  return missing.size > 0 ? { ok: false, missing: [...missing] } : { ok: true, text }
}

function loneBrace(brace: string, at: number): TemplateProblem {
  return brace === '{'
    ? { at, length: 1, message: 'a { is not closed', hint: 'A placeholder is written {name}; a brace that is meant as one is doubled: {{.' }
    : { at, length: 1, message: 'a } closes nothing', hint: 'A brace that is meant as one is doubled: }}.' }
}

function noName(placeholder: string, at: number, length: number): TemplateProblem {
  return {
    at,
    length,
    message: placeholder === '' ? 'a placeholder has no name' : `${placeholder} is no name of a placeholder`,
    hint: 'Names are letters and digits with dots between: {ticket.number}. A brace that is meant as one is doubled: {{.',
  }
}
