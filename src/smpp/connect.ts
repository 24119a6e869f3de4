/** Opens the connection to a carrier: TCP, or TLS with the certificate verified against the name in the URL. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Account, LinkSettings } from './settings.ts'

export type Connecting = { socket: Socket; cancel(): void }

/**
 * Exactly one of the two is called, once, unless it was cancelled.
 *
 * @param onFailed gets the reason in a few words
 */
export function connect(
  account: Account,
  { ca, connectTimeoutMs }: Pick<LinkSettings, 'ca' | 'connectTimeoutMs'>,
  onConnected: (socket: Socket) => void,
  onFailed: (why: string) => void,
): Connecting {
  const { host, port, tls } = account
  const socket = tls ? connectTls({ host, port, ...(ca !== null && { ca }) }) : connectTcp({ host, port })
  let isOver = false
  const settle = (done: () => void): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    done()
  }
  const fail = (why: string): void =>
    settle(() => {
      socket.destroy()
      onFailed(why)
    })
  const timer = setTimeout(() => fail(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs)
  socket.setNoDelay(true)
  // Stays for good: an error after this try is over is of no use to anybody, and must not end the process.
  socket.on('error', (error) => fail(saidOf(error)))
  socket.once('close', () => fail('the connection was closed at once'))
  socket.once(tls ? 'secureConnect' : 'connect', () => settle(() => onConnected(socket)))
  return { socket, cancel: () => settle(() => socket.destroy()) }
}

/** Of OpenSSL and Node, for a certificate that is not the carrier's, or that nobody whom we trust signed. */
const UNTRUSTED = /CERT|ISSUER|VERIFY|SIGNED|ALTNAME/

function saidOf(error: Error & { code?: string }): string {
  const { code = '' } = error
  if (UNTRUSTED.test(code)) return `its certificate is not trusted (${code}): look at the host in SMPP_URL and at whom \`ca\` trusts`
  // A name with several addresses fails with the errors of all in one.
  const errors: Error[] = error instanceof AggregateError ? error.errors : [error]
  return [...new Set(errors.map(({ message }) => message))].join('; ')
}
