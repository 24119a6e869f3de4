/**
 * Which addresses Pforte may be sent to. Whoever may register a webhook must
 * not thereby reach what only Pforte's machine reaches: other services on it, a
 * private network, a cloud's metadata (server-side request forgery).
 */
import ipaddr from 'ipaddr.js'

/** `http` would show what is sent to everybody on the way. */
const publicSchemes = ['https:']
const allSchemes = ['https:', 'http:']
const longestUrl = 2_000

/** Names that lead to this machine or its network whatever a resolver says (RFC 6761, RFC 8375 and what clouds and routers use). */
const localNames = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa)$/i

/** True for addresses that anybody on the Internet may be reached under. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  // An IPv4 address that is written as IPv6 leads to the IPv4 one.
  const address = ipaddr.process(text)
  if (address.range() !== 'unicast') return false
  // Of IPv6, only this much has been given out (RFC 4291).
  return address.kind() === 'ipv4' || (!text.includes('%') && /^[23]/.test(address.toNormalizedString().split(':')[0]!.padStart(4, '0')))
}

/** The host of a URL as a resolver takes it: without the brackets of IPv6 and without the dot at the end. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

/** Why a webhook cannot go there, for whoever wrote it; null: it can, as far as the URL tells. */
export function refusalOf(text: string, allowPrivate: boolean): string | null {
  if (text.length > longestUrl) return `must not be longer than ${longestUrl} characters`
  const url = URL.parse(text)
  if (url === null) return 'must be a URL, such as https://crm.example.com/pforte'
  if (!(allowPrivate ? allSchemes : publicSchemes).includes(url.protocol)) {
    return allowPrivate
      ? 'must begin with https:// or http://'
      : 'must begin with https:// (http:// only where webhooks.allow_private is on in pforte.yaml)'
  }
  if (url.username !== '' || url.password !== '') return 'must not hold a user or a password: deliveries are signed instead'
  if (url.hash !== '') return 'must not have a fragment (#…): nobody would be sent it'
  const host = hostOf(url)
  if (host === '') return 'must name a host'
  if (allowPrivate) return null
  const isAddress = ipaddr.isValid(host)
  if (isAddress ? !isPublicAddress(host) : localNames.test(host) || !host.includes('.')) {
    return 'must lead to a public address; private ones only where webhooks.allow_private is on in pforte.yaml'
  }
  return null
}
