/** `SMPP_URL`: `smpp://user:password@host:2775` or `ssmpp://…` (TLS); several, comma-separated, in order of preference. */
import type { Account } from './settings.ts'

/** As registered with IANA. */
const PORTS: Record<string, { port: number; tls: boolean }> = {
  'smpp:': { port: 2775, tls: false },
  'ssmpp:': { port: 3550, tls: true },
}

/** Section 5.2.1 allows 15 octets and a NUL, 5.2.2 8 and a NUL, which carriers exceed; what does not fit at all is a mistake. */
const MOST_CHARACTERS = 64

/** @returns the accounts, or what is wrong in a sentence that holds no password */
export function parseAccounts(urls: string): Account[] | { problem: string } {
  const accounts: Account[] = []
  for (const [index, text] of urls.split(',').entries()) {
    const account = parseAccount(text.trim())
    const place = urls.includes(',') ? ` (the ${index + 1}. of SMPP_URL)` : ''
    if ('problem' in account) return { problem: account.problem + place }
    if (accounts.some(({ route }) => route === account.route)) return { problem: `${account.route} stands there twice${place}` }
    accounts.push(account)
  }
  return accounts
}

function parseAccount(text: string): Account | { problem: string } {
  if (!URL.canParse(text)) return { problem: 'no URL of the form smpp://user:password@host:2775' }
  const url = new URL(text)
  const scheme = PORTS[url.protocol]
  if (scheme === undefined) return { problem: `${url.protocol}// is not known; smpp:// or ssmpp:// (TLS) are` }
  const systemId = decoded(url.username)
  const password = decoded(url.password)
  if (systemId === null || password === null) return { problem: 'a % in user or password must be written %25' }
  if (systemId === '') return { problem: 'the user is missing: smpp://user:password@host:2775' }
  for (const [what, value] of [
    ['user', systemId],
    ['password', password],
  ] as const) {
    if (!/^[\x20-\x7e]*$/.test(value)) return { problem: `the ${what} holds a character that SMPP cannot carry (only ASCII)` }
    if (value.length > MOST_CHARACTERS) return { problem: `the ${what} is longer than ${MOST_CHARACTERS} characters` }
  }
  // Node's URL keeps the brackets around an IPv6 address.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') return { problem: 'the host is missing: smpp://user:password@host:2775' }
  if (url.pathname.length > 1 || url.search !== '' || url.hash !== '') return { problem: 'nothing may follow the port' }
  const port = url.port === '' ? scheme.port : Number(url.port)
  if (port === 0) return { problem: 'port 0 cannot be reached' }
  return { route: `${systemId}@${url.hostname}:${port}`, host, port, tls: scheme.tls, systemId, password }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
