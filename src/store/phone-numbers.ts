/** Callers' and customers' numbers in one form, E.164, so that they can be compared. */
import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'
import { LRUCache } from 'lru-cache'

/** Longer than any number (E.164: 15 digits) and any SIP user worth keeping. */
const longestCaller = 64
/** What trunks put into the caller's place when there is none (RFC 3323, RFC 3325, and habit). */
const withheldNames = /^(anonymous|anonym|unknown|unavailable|withheld|private|restricted|asterisk|s|)$/i

export class PhoneNumbers {
  #country: string
  /** To read a number costs as much as a small statement. */
  readonly #read = new LRUCache<string, { number: string | null }>({ max: 5_000 })
  /** That of a call under way is asked for at each of its writes. */
  readonly #callers = new LRUCache<string, { caller: string | null }>({ max: 5_000 })

  /** @param country `DE`: numbers without a country code are read as a telephone there would dial them */
  constructor(country: string) {
    this.#country = country
  }

  /** For what is read from now on; rows stay as they were written. */
  useCountry(country: string): void {
    if (country === this.#country) return
    this.#country = country
    this.#read.clear()
    this.#callers.clear()
  }

  /** E.164 (`+4930123456`), or null for what is no possible telephone number. */
  e164(text: string): string | null {
    const known = this.#read.get(text)
    if (known !== undefined) return known.number
    const number = this.#parse(text)
    if (text.length <= longestCaller) this.#read.set(text, { number })
    return number
  }

  #parse(text: string): string | null {
    const parsed = parsePhoneNumberFromString(text, isSupportedCountry(this.#country) ? this.#country : undefined)
    return parsed?.isPossible() === true ? parsed.number : null
  }

  /**
   * A caller as rows keep them: E.164 where it is a number, otherwise what the
   * trunk said without unprintable characters, at most 64 characters; null when
   * withheld.
   */
  caller(said: string | null): string | null {
    if (said === null) return null
    const known = this.#callers.get(said)
    if (known !== undefined) return known.caller
    const text = printable(said).trim().slice(0, longestCaller)
    const caller = withheldNames.test(text.replace(/@.*$/, '')) ? null : (this.#parse(text) ?? text)
    if (said.length <= longestCaller) this.#callers.set(said, { caller })
    return caller
  }
}

/** Postgres takes neither NUL in a text nor halves of a surrogate pair. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, '')
}
