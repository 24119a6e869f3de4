/**
 * SIP messages (RFC 3261, sections 7 and 25) as data, and back to text.
 * Pure: nothing here knows of sockets or time.
 */

export interface SipRequest {
  readonly method: string
  readonly uri: string
  readonly headers: SipHeaders
  readonly body: string
}

export interface SipResponse {
  readonly status: number
  readonly reason: string
  readonly headers: SipHeaders
  readonly body: string
}

export type SipMessage = SipRequest | SipResponse

export function isRequest(message: SipMessage): message is SipRequest {
  return 'method' in message
}

/** Section 7.3.3. */
const compactNames: Readonly<Record<string, string>> = {
  i: 'call-id',
  m: 'contact',
  e: 'content-encoding',
  l: 'content-length',
  c: 'content-type',
  f: 'from',
  s: 'subject',
  k: 'supported',
  t: 'to',
  v: 'via',
}

/** Headers of which several may stand in one line, separated by commas. */
const lists = new Set(['via', 'route', 'record-route', 'contact', 'allow', 'supported'])

/** The headers of a message in their order; names in lower case. */
export class SipHeaders {
  readonly entries: readonly (readonly [name: string, value: string])[]

  constructor(entries: readonly (readonly [string, string])[] = []) {
    this.entries = entries.map(([name, value]) => [fullName(name), value] as const)
  }

  /** The first value, or an empty string, which no header has. */
  get(name: string): string {
    return this.all(name)[0] ?? ''
  }

  all(name: string): string[] {
    const full = fullName(name)
    const values = this.entries.filter(([other]) => other === full).map(([, value]) => value)
    return lists.has(full) ? values.flatMap((value) => splitList(value)) : values
  }

  /** These headers with others at their end; what is undefined is left out. */
  with(...more: readonly (readonly [string, string | undefined])[]): SipHeaders {
    return new SipHeaders([...this.entries, ...more.filter((entry): entry is readonly [string, string] => entry[1] !== undefined)])
  }

  without(...names: readonly string[]): SipHeaders {
    const left = new Set(names.map(fullName))
    return new SipHeaders(this.entries.filter(([name]) => !left.has(name)))
  }
}

function fullName(name: string): string {
  const lower = name.toLowerCase()
  return compactNames[lower] ?? lower
}

/** Splits at commas that stand neither in quotes nor in angle brackets. */
export function splitList(text: string): string[] {
  return (text.match(/(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,"<])+/g) ?? []).map((part) => part.trim()).filter((part) => part !== '')
}

/** Reads a message; undefined for what is none (a keep-alive, noise). */
export function parseMessage(datagram: Buffer): SipMessage | undefined {
  const text = datagram.toString('utf8')
  const end = /\r?\n\r?\n/.exec(text)
  if (end === null) return undefined
  const [startLine = '', ...lines] = text
    .slice(0, end.index)
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
  const entries: [string, string][] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) entries.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()])
  }
  const headers = new SipHeaders(entries)
  const rest = text.slice(end.index + end[0].length)
  const length = headers.get('content-length')
  const body = length === '' ? rest : Buffer.from(rest).subarray(0, Number(length)).toString('utf8')
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(startLine)
  if (response !== null) return { status: Number(response[1]), reason: response[2] ?? '', headers, body }
  const request = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(startLine)
  if (request !== null) return { method: request[1] ?? '', uri: request[2] ?? '', headers, body }
  return undefined
}

export function formatMessage(message: SipMessage): Buffer {
  const startLine = isRequest(message) ? `${message.method} ${message.uri} SIP/2.0` : `SIP/2.0 ${message.status} ${message.reason}`
  const headers = message.headers.without('content-length').with(['content-length', String(Buffer.byteLength(message.body))])
  const lines = headers.entries.map(([name, value]) => `${wireName(name)}: ${value}`)
  return Buffer.from(`${[startLine, ...lines].join('\r\n')}\r\n\r\n${message.body}`)
}

/** `call-id` → `Call-Id`; a few are written otherwise by everybody, and some implementations compare them as text. */
function wireName(name: string): string {
  if (name === 'call-id') return 'Call-ID'
  if (name === 'cseq') return 'CSeq'
  if (name === 'www-authenticate') return 'WWW-Authenticate'
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}

/** Section 8.2.6: a response repeats these of its request. */
export function responseTo(
  request: SipRequest,
  status: number,
  reason: string,
  options: { toTag?: string; headers?: readonly (readonly [string, string])[]; body?: string } = {},
): SipResponse {
  const repeated = request.headers.entries.filter(([name]) => ['via', 'from', 'to', 'call-id', 'cseq', 'record-route'].includes(name))
  const headers = repeated.map(([name, value]) => {
    return [
      name,
      name === 'to' && options.toTag !== undefined && parameter(value, 'tag') === undefined ? `${value};tag=${options.toTag}` : value,
    ] as const
  })
  return { status, reason, headers: new SipHeaders([...headers, ...(options.headers ?? [])]), body: options.body ?? '' }
}

/** A header parameter such as `tag` or `branch`, outside of quotes and angle brackets. */
export function parameter(value: string, name: string): string | undefined {
  const outside = value.replaceAll(/"(?:\\.|[^"\\])*"|<[^>]*>/g, '')
  const found = new RegExp(`;\\s*${name}\\s*(?:=\\s*([^;,\\s]*))?(?=[;,\\s]|$)`, 'i').exec(outside)
  return found === null ? undefined : (found[1] ?? '')
}

export interface NameAddress {
  readonly displayName: string
  readonly uri: string
}

/** `"Anna" <sip:anna@host>;tag=1` or `sip:anna@host;tag=1`. */
export function parseNameAddress(value: string): NameAddress {
  const bracketed = /^\s*(?:"((?:\\.|[^"\\])*)"|([^<"]*))\s*<([^>]*)>/.exec(value)
  if (bracketed === null) return { displayName: '', uri: value.split(';')[0]?.trim() ?? '' }
  const displayName = bracketed[1]?.replaceAll(/\\(.)/g, '$1') ?? bracketed[2]?.trim() ?? ''
  return { displayName, uri: bracketed[3] ?? '' }
}

export interface SipUri {
  readonly user: string
  readonly host: string
  readonly port: number | undefined
}

/** `sip:user@host:port;parameters`, and `tel:` numbers, whose host is empty. Never throws. */
export function parseUri(uri: string): SipUri {
  const tel = /^tel:([^;]*)/i.exec(uri)
  if (tel !== null) return { user: tel[1] ?? '', host: '', port: undefined }
  const found = /^sips?:(?:([^@]*)@)?(\[[^\]]*\]|[^:;?]*)(?::(\d+))?/i.exec(uri)
  const user = found?.[1]?.split(':')[0] ?? ''
  return {
    user: unescape(user),
    host: (found?.[2] ?? '').replaceAll(/[[\]]/g, ''),
    port: found?.[3] === undefined ? undefined : Number(found[3]),
  }
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Callers send what they like; a lone percent sign is then part of the name.
    return text
  }
}

/** A user part with everything escaped that section 25.1 does not allow in it. */
export function escapeUser(user: string): string {
  return encodeURIComponent(user).replaceAll(/%(26|3D|2B|24|2C|3B|3F|2F)/g, (escaped) => decodeURIComponent(escaped))
}

/** A display name as a quoted string. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, '\\$&')}"`
}
