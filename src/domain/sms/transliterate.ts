/**
 * What may be written another way so that a text stays GSM-7: punctuation that
 * word processors and CRM systems put in place of what was typed. One such
 * character would make the message UCS-2, with 70 characters in place of 160.
 *
 * Only what stands here is ever rewritten, and no letter loses its accent:
 * a ç, an ł or an emoji makes the whole message UCS-2 in place of becoming a
 * letter that its writer did not mean. Umlauts and ß need nothing, GSM-7 has
 * them. Canonically equal spellings (a and ¨ for ä, the Kelvin sign for K) are
 * brought together by NFC before this (sendable.ts).
 */

const rows: readonly (readonly [characters: string, written: string])[] = [
  // Quotation marks, primes, and accents that are typed as apostrophes.
  ['\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033', '"'],
  ['\u2018\u2019\u201a\u201b\u2039\u203a\u2032\u02bc\u0060\u00b4', "'"],
  // Hyphens, dashes, the minus sign, and bullets as lists have them.
  ['\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u2023\u2043', '-'],
  ['\u2026', '...'],
  // Spaces of other widths, and those at which no line may break.
  ['\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000', ' '],
  // Not seen: soft hyphen, zero-width space, (non-)joiner, word joiner, left-to-right mark, the isolates that message
  // formatters put around values, variation selectors. Where one of them has a meaning (emoji, right-to-left text),
  // another character makes the message UCS-2 and they stay.
  ['\u00ad\u200b\u200c\u200d\u2060\u200e\u2066\u2068\u2069\ufe0e\ufe0f', ''],
  ['\u00d7', 'x'],
  ['\u2044\u2215', '/'],
  ['\u00a9', '(C)'],
  ['\u00ae', '(R)'],
  ['\u2122', '(TM)'],
  // The same letters: ligatures that come from PDF files, and the capital ß, for which German spelling has SS as well.
  ['\ufb00', 'ff'],
  ['\ufb01', 'fi'],
  ['\ufb02', 'fl'],
  ['\ufb03', 'ffi'],
  ['\ufb04', 'ffl'],
  ['\u1e9e', 'SS'],
]

/** Each character that is rewritten, and what it becomes: characters of GSM-7, or nothing. */
export const transliterations: ReadonlyMap<string, string> = new Map(
  rows.flatMap(([characters, written]) => [...characters].map((character) => [character, written] as const)),
)

const rewritten = new RegExp(`[${[...transliterations.keys()].join('')}]`, 'gu')

/** The text with every character of the table rewritten, and no other. */
export function transliterate(text: string): string {
  return text.replace(rewritten, (character) => transliterations.get(character) ?? character)
}
