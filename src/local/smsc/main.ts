/**
 * The simulator in a process of its own, for measurements: `fork.ts` starts
 * this file and talks to it. Whoever started it is gone: so is it.
 */
import { startSimulator, type Simulator } from './simulator.ts'
import type { Answer, Order } from './fork.ts'

let simulator: Simulator | undefined

process.on('message', (order: Order) => {
  void obey(order).then(
    (value) => process.send?.({ id: order.id, value } satisfies Answer),
    (error: unknown) => process.send?.({ id: order.id, error: String(error) } satisfies Answer),
  )
})
process.on('disconnect', () => process.exit(0))

async function obey(order: Order): Promise<unknown> {
  if (order.what === 'start') {
    simulator = await startSimulator(order.options)
    return simulator.url
  }
  if (simulator === undefined) throw new Error('not started yet')
  switch (order.what) {
    case 'faults':
      return simulator.faults(...order.faults)
    case 'clear_faults':
      return simulator.clearFaults()
    case 'counts':
      return {
        ...simulator.counts,
        memoryBytes: process.memoryUsage().rss,
        cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
      }
    case 'reply':
      return simulator.reply(order.reply)
    case 'inbox':
      return simulator.inbox(order.number).map((message) => message.toJSON())
    case 'close':
      return simulator.close()
  }
}
