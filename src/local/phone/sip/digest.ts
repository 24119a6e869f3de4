import { createHash, randomBytes } from 'node:crypto'
import { splitList, type SipResponse } from './message.ts'

export interface Credentials {
  readonly user: string
  readonly password: string
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256' }

/**
 * The header that answers a 401 or 407 (RFC 3261, section 22, with RFC 8760's SHA-256), or
 * undefined if the response asks for nothing that can be answered.
 */
export function authorization(
  response: SipResponse,
  method: string,
  uri: string,
  credentials: Credentials,
): readonly [string, string] | undefined {
  const [asks, answers] = response.status === 407 ? ['proxy-authenticate', 'proxy-authorization'] : ['www-authenticate', 'authorization']
  // RFC 8760, section 2.3: servers list what they prefer first.
  for (const challenge of response.headers.all(asks)) {
    const fields = parseChallenge(challenge)
    const algorithm = (fields['algorithm'] ?? 'MD5').toUpperCase()
    const hash = hashes[algorithm]
    const { realm, nonce } = fields
    if (hash === undefined || realm === undefined || nonce === undefined) continue
    const digest = (text: string): string => createHash(hash).update(text).digest('hex')
    const secret = digest(`${credentials.user}:${realm}:${credentials.password}`)
    const request = digest(`${method}:${uri}`)
    const qop = (fields['qop'] ?? '')
      .split(',')
      .map((one) => one.trim())
      .includes('auth')
    const count = '00000001'
    const own = randomBytes(8).toString('hex')
    const answer = digest(qop ? `${secret}:${nonce}:${count}:${own}:auth:${request}` : `${secret}:${nonce}:${request}`)
    const opaque = fields['opaque']
    return [
      answers,
      [
        `Digest username="${credentials.user}"`,
        `realm="${realm}"`,
        `nonce="${nonce}"`,
        `uri="${uri}"`,
        `response="${answer}"`,
        ...(fields['algorithm'] === undefined ? [] : [`algorithm=${fields['algorithm']}`]),
        ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
        ...(qop ? ['qop=auth', `nc=${count}`, `cnonce="${own}"`] : []),
      ].join(', '),
    ]
  }
  return undefined
}

function parseChallenge(value: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const field of splitList(value.replace(/^Digest\s+/i, ''))) {
    const [, name = '', quotedText, plain] = /^([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|(.*))$/.exec(field) ?? []
    fields[name.toLowerCase()] = quotedText ?? plain ?? ''
  }
  return fields
}
