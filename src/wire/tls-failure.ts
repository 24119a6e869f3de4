/**
 * Why a peer was not trusted over TLS, in words, from the codes of Node and of
 * the OpenSSL in it (X509_STORE_CTX_get_error(3)). No retry mends any of these.
 */

export type TlsFailure = {
  /** Goes on from "the … at host:port ", without a full stop. */
  what: string
  /** One sentence, with a full stop. */
  mend: string
}

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/**
 * @param error what `fetch`, `ws` or a socket gave; the code may lie in a cause
 * @param variable where the peer's address was set: `ARI_URL`
 * @returns null for what has nothing to do with TLS
 */
export function tlsFailure(error: unknown, variable: string): TlsFailure | null {
  const code = codeOf(error)
  if (unknownAuthority.has(code)) {
    return {
      what: `shows a certificate of an authority that this machine does not know (${code})`,
      mend: `Set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority (PEM), and start again.`,
    }
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return { what: 'shows a certificate that has expired', mend: 'Renew it, or set the clock of this machine right.' }
    case 'CERT_NOT_YET_VALID':
      return { what: 'shows a certificate that is not valid yet', mend: 'Set the clock of this machine right, or that of whoever made it.' }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return { what: 'shows a certificate for another name', mend: `Set ${variable} to a name that is in the certificate.` }
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return { what: 'does not speak TLS on that port', mend: `Set ${variable} to the port that does, or write it without TLS.` }
    default:
      return null
  }
}

function codeOf(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return each.code
  }
  return ''
}
