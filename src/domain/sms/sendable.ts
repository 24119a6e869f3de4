/**
 * What can stand in a message at all, before the question of its alphabet.
 * Refused is what no phone shows and some phones and gateways stumble over: a
 * control character (a NUL ends the text for some), half a surrogate pair, a
 * code that Unicode promises never to assign (U+FFFE at the beginning would
 * turn the bytes of a UCS-2 text around).
 */

export type Refused = { why: 'control_character' | 'lone_surrogate' | 'noncharacter'; codePoint: string; at: number }

/** Of these some are mended by `tidy`: line ends, tabs and the byte order mark. */
const suspicious = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\p{Surrogate}\p{Noncharacter_Code_Point}]/u
const lineEnd = /\r\n?|[\u0085\u2028\u2029]/g
const nothingSeen = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}]*$/u

/** The first character that cannot be sent, as `U+0000`, and where it stands (UTF-16 units from 0); null if there is none. */
export function firstRefused(text: string): Refused | null {
  const found = suspicious.exec(text)
  if (found === null) return null
  const code = found[0].codePointAt(0) ?? 0
  const why = code >= 0xd800 && code <= 0xdfff ? 'lone_surrogate' : code <= 0x9f ? 'control_character' : 'noncharacter'
  return { why, codePoint: codePointName(found[0]), at: found.index }
}

/**
 * The same text in one spelling: line ends of every kind as LF, a tab as a
 * space, no byte order mark, and NFC (Unicode Standard Annex 15), which
 * changes no text but makes one ä of a and ¨.
 */
export function tidy(text: string): string {
  return text.replace(lineEnd, '\n').replaceAll('\t', ' ').replaceAll('\ufeff', '').normalize('NFC')
}

/** True if a reader would see nothing. */
export function isBlank(text: string): boolean {
  return nothingSeen.test(text)
}

/** `U+00E7`, at least four digits. */
export function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
