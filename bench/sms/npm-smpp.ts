/** npm `smpp` alone, without a store: the ceiling. */
import { createRequire } from 'node:module'
import { WINDOW } from './pforte-side.ts'

type Session = {
  bind_transceiver(fields: object, answered: (pdu: { command_status: number }) => void): void
  submit_sm(fields: object, answered: () => void): void
  on(event: 'connect' | 'error', listener: (error?: Error) => void): void
  destroy(): void
}
const smpp = createRequire(import.meta.url)('smpp') as { connect(options: { host: string; port: number }): Session }

export async function npmSmppPerSecond(smscUrl: string, count: number): Promise<number> {
  const { hostname: host, port, username, password } = new URL(smscUrl)
  const session = smpp.connect({ host, port: Number(port) })
  await new Promise<void>((resolve, reject) => {
    session.on('error', reject as () => void)
    session.on('connect', () =>
      session.bind_transceiver({ system_id: username, password, interface_version: 0x34 }, ({ command_status }) =>
        command_status === 0 ? resolve() : reject(new Error('the sink refused the bind')),
      ),
    )
  })
  const began = performance.now()
  let sent = 0
  let answered = 0
  await new Promise<void>((resolve) => {
    const next = (): void => {
      if (sent === count) return
      const to = `4915${200_000_000 + sent++}`
      session.submit_sm(
        {
          source_addr: 'Pforte',
          destination_addr: to,
          registered_delivery: 1,
          data_coding: 0,
          short_message: Buffer.from('Ihre Zahlung ist eingegangen. Vielen Dank.'),
        },
        () => {
          if (++answered === count) resolve()
          else next()
        },
      )
    }
    for (let place = 0; place < WINDOW; place++) next()
  })
  session.destroy()
  return (count * 1000) / (performance.now() - began)
}
