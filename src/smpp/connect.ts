/** Opens the connection to a carrier: TCP, or TLS with the certificate verified against the name in the URL. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { tlsFailure } from '../wire/tls-failure.ts'
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
  socket.on('error', (error) => fail(saidOf(error, ca)))
  socket.once('close', () => fail('the connection was closed at once'))
  socket.once(tls ? 'secureConnect' : 'connect', () => settle(() => onConnected(socket)))
  return { socket, cancel: () => settle(() => socket.destroy()) }
}

function saidOf(error: Error, ca: string | null): string {
  const failure = tlsFailure(error, 'SMPP_URL')
  if (failure !== null) {
    const trusted = ca === null ? '' : ' Only what `ca` in pforte.yaml names is trusted.'
    return `the carrier ${failure.what}. ${failure.mend}${trusted}`
  }
  // A name with several addresses fails with the errors of all in one.
  const errors: Error[] = error instanceof AggregateError ? error.errors : [error]
  return [...new Set(errors.map(({ message }) => message))].join('; ')
}
