/**
 * Replies that are orders and no conversation: stop, start, and the question
 * for the state. Only a reply that says nothing else is one: "please stop by
 * on Monday" is read by a person.
 *
 * Compared are texts after NFKC, without what stands around the word (quotes,
 * dots, exclamation marks, an angry face), and without letter case in any
 * language: ß is SS, and the ı and İ of a Turkish phone are I.
 */

export type Order = 'opt_out' | 'opt_in' | 'status'

/** Words (or a few, with single spaces) by what they order. */
export type KeywordSets = Readonly<Record<Order, readonly string[]>>

export type Keywords = ReadonlyMap<string, Order>

export type KeywordProblem = { order: Order; index: number; message: string; hint: string }

/** German, and what carriers and customers know from English. */
export const defaultKeywords: KeywordSets = {
  opt_out: ['STOP', 'STOPP', 'ENDE', 'ABMELDEN', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT'],
  opt_in: ['START', 'ANMELDEN', 'UNSTOP'],
  status: ['STATUS'],
}

/** Longer than any order with all that may stand around it; what is longer is not looked at. */
const mostReplyUnits = 200
const mostWordUnits = 40

/** Punctuation, symbols, white space, and what is not seen. */
const around = /^[\p{P}\p{S}\p{Z}\p{C}\p{Default_Ignorable_Code_Point}]+|[\p{P}\p{S}\p{Z}\p{C}\p{Default_Ignorable_Code_Point}]+$/gu

/** What the whole reply orders, and the word as it is configured in folded form; null if it is a text to be read. */
export function readOrder(reply: string, keywords: Keywords): { order: Order; word: string } | null {
  if (reply.length > mostReplyUnits) return null
  const word = fold(reply)
  const order = keywords.get(word)
  return order === undefined ? null : { order, word }
}

/**
 * The sets as they are looked up, and what is wrong with them: a word without
 * a letter, one that is too long, one that would order two things. The first
 * of two stands; opt-out goes before the others, so that nobody is kept from
 * stopping.
 */
export function keywordsOf(sets: KeywordSets): { keywords: Keywords; problems: KeywordProblem[] } {
  const keywords = new Map<string, Order>()
  const problems: KeywordProblem[] = []
  for (const order of ['opt_out', 'opt_in', 'status'] as const) {
    for (const [index, written] of sets[order].entries()) {
      const word = fold(written)
      const other = keywords.get(word)
      if (word === '') {
        problems.push({ order, index, message: 'a word has no letters', hint: 'Write the word that customers send, such as STOP.' })
      } else if (word.length > mostWordUnits) {
        problems.push({ order, index, message: `a word is longer than ${mostWordUnits} characters`, hint: 'Nobody would type it.' })
      } else if (other !== undefined && other !== order) {
        problems.push({ order, index, message: `${written} stands under ${other} as well`, hint: 'A word can order one thing only.' })
      } else keywords.set(word, order)
    }
  }
  return { keywords, problems }
}

/** Upper case is the better fold: it makes ß and ẞ one, and needs no rule for the final sigma. */
function fold(text: string): string {
  // Before NFKC as well, which makes an accent typed as an apostrophe one that stands over the next letter.
  return text
    .replace(around, '')
    .normalize('NFKC')
    .replace(around, '')
    .replace(/\s+/g, ' ')
    .toUpperCase()
    .replace(/İ|I\u0307/g, 'I')
    .replaceAll('ẞ', 'SS')
    .normalize('NFC')
}
