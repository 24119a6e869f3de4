/**
 * The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038,
 * formerly GSM 03.38, sections 6.2.1 and 6.2.1.1), one septet an octet: the
 * form in which SMPP carries it, unpacked. National language tables (section
 * 6.2.1.2) are not used: few phones and fewer carriers know them.
 *
 * Two characters are easily got wrong: 0x09 is the capital Ç (a small ç does
 * not exist in it), and 0x00 is @, which is why text in another alphabet that
 * is labelled as this one arrives full of @.
 */

/** By code 0x00–0x7F. The ESC at 0x1B is no character but leads into the extension table. */
const alphabet =
  '@£$¥èéùìòÇ\nØø\rÅå' +
  'Δ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ' +
  ' !"#¤%&\'()*+,-./' +
  '0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNO' +
  'PQRSTUVWXYZÄÖÑÜ§' +
  '¿abcdefghijklmno' +
  'pqrstuvwxyzäöñüà'

/** What an escape and this code mean together. A form feed is the table's page break. */
const extension: ReadonlyMap<number, string> = new Map([
  [0x0a, '\f'],
  [0x14, '^'],
  [0x28, '{'],
  [0x29, '}'],
  [0x2f, '\\'],
  [0x3c, '['],
  [0x3d, '~'],
  [0x3e, ']'],
  [0x40, '|'],
  [0x65, '€'],
])

/** Turns the next septet into one of the extension table. */
export const escapeSeptet = 0x1b

/** Stands in decoded text for an escape whose second septet is not there: in the next part, if a foreign sender cut there. */
export const openEscape = '\u001b'

/** For what was received and means nothing (U+FFFD). */
export const replacement = '\ufffd'

/** Of the codes in `septetsByUnit`: this one costs an escape before it. */
const escaped = 0x80
const unknown = 0xff

/** By UTF-16 unit; all characters of the alphabet lie below the euro sign. */
const septetsByUnit = new Uint8Array(0x20ad).fill(unknown)
for (const [code, character] of [...alphabet].entries()) if (code !== escapeSeptet) septetsByUnit[character.charCodeAt(0)] = code
for (const [code, character] of extension) septetsByUnit[character.charCodeAt(0)] = code | escaped

/** Every character that the alphabet has. */
export const gsm7Characters: readonly string[] = [...[...alphabet].filter((character) => character !== '\u001b'), ...extension.values()]

/** How many septets the UTF-16 unit takes: 1, or 2 for one of the extension table, or 0 if the alphabet does not have it. */
export function septetsFor(unit: number): 0 | 1 | 2 {
  const code = septetsByUnit[unit] ?? unknown
  return code === unknown ? 0 : code < escaped ? 1 : 2
}

/** The text in septets, one an octet; null if the alphabet lacks one of its characters. Nothing is ever substituted. */
export function toSeptets(text: string): Uint8Array | null {
  const septets = new Uint8Array(2 * text.length)
  let count = 0
  for (let place = 0; place < text.length; place += 1) {
    const code = septetsByUnit[text.charCodeAt(place)] ?? unknown
    if (code === unknown) return null
    if (code >= escaped) septets[count++] = escapeSeptet
    septets[count++] = code & 0x7f
  }
  return septets.subarray(0, count)
}

/**
 * The text of unpacked septets, as a phone must show it (3GPP TS 23.038,
 * section 6.2.1.1): an escape before a code that the extension table lacks
 * yields the character of the alphabet itself, an escape before an escape a
 * space. An octet above 0x7F is no septet and yields U+FFFD.
 *
 * An escape at the very end stays in the text as `openEscape`; `joinParts`
 * (decode.ts) settles it.
 */
export function fromSeptets(octets: Uint8Array): string {
  let text = ''
  for (let place = 0; place < octets.length; place += 1) {
    const code = octets[place]!
    if (code !== escapeSeptet) text += alphabet[code] ?? replacement
    else if (place + 1 === octets.length) text += openEscape
    else text += afterEscape(octets[++place]!)
  }
  return text
}

/** What an escape makes of the character that follows it, where the two came apart. */
export function escapedCharacter(character: string): string {
  const code = alphabet.indexOf(character)
  return code === -1 ? character : afterEscape(code)
}

function afterEscape(code: number): string {
  return extension.get(code) ?? (code === escapeSeptet ? ' ' : (alphabet[code] ?? replacement))
}
