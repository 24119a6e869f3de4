/** A receiver of webhooks on this machine, as somebody who follows the Standard Webhooks specification writes one. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import type { Test } from 'tap'
import { until } from '../support/until.ts'

export type Received = { id: string; path: string; headers: Record<string, string>; body: string; payload: any }
export type Answer = number | ((received: Received, response: ServerResponse) => void | Promise<void>)

export type Receiver = {
  url: string
  /** Everything that came, in its order. */
  readonly received: Received[]
  /** From now on; a number is a status. */
  answer(how: Answer): void
  /** Waits until so much has come. */
  count(most: number): Promise<void>
  /** Throws unless it was signed with this secret. */
  verify(received: Received, secret: string): void
  close(): void
}

export async function receiver(t: Test, how: Answer = 204): Promise<Receiver> {
  const received: Received[] = []
  let answer = how
  const server = createServer((request, response) => void take(request, response))
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const headers = request.headers as Record<string, string>
    const one: Received = { id: headers['webhook-id'] ?? '', path: request.url ?? '', headers, body, payload: JSON.parse(body) }
    received.push(one)
    if (typeof answer === 'function') await answer(one, response)
    else response.writeHead(answer).end()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  t.teardown(close)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pforte`,
    received,
    answer: (how) => {
      answer = how
    },
    count: (most) => until(`${most} deliveries`, () => received.length >= most).then(() => {}),
    verify: (one, secret) => void new Webhook(secret).verify(one.body, one.headers),
    close,
  }
}
