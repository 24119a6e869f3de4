/** Joins the SMS: the carrier link (or the simulator), the outbox, and the loops between them. */
import type { Logger } from 'pino'
import type { Outbox } from '../app/ports/outbox.ts'
import type { ReceiptStore } from '../app/ports/receipts.ts'
import { SmsHousekeeping } from '../app/sms/housekeeping.ts'
import { linkState, type SmsMetrics } from '../app/sms/metrics.ts'
import { SmsReceiver } from '../app/sms/receiver.ts'
import { SmsSender } from '../app/sms/sender.ts'
import type { Environment, Service } from '../config.ts'
import type { EncodeOptions } from '../domain/sms/segments.ts'
import type { Simulator } from '../local/smsc/simulator.ts'
import { SmscLink } from '../smpp/smsc-link.ts'
import { carriersOf } from './reach-carriers.ts'
import { openSimulator } from './simulator.ts'

export type Sms = {
  readonly link: SmscLink
  readonly sender: SmsSender
  /** Null where a carrier is configured. */
  readonly simulator: Simulator | null
  state(): { ok: boolean; detail: string }
  /** Settles once something is bound, or after so long. */
  bound(withinMs: number): Promise<void>
  close(): Promise<void>
}

export type SmsDeps = {
  environment: Environment
  service: () => Service
  outbox: Outbox
  receipts: ReceiptStore
  metrics: SmsMetrics
  log: Logger
  now: () => number
}

/** @throws PartFailure when SMPP_URL cannot be used, or the simulator has no port */
export async function openSms({ environment, service, outbox, receipts, metrics, log, now }: SmsDeps): Promise<Sms> {
  const simulator = environment.smppUrls.length === 0 ? await openSimulator(environment) : null
  const link = new SmscLink({
    carriers: carriersOf(simulator === null ? environment.smppUrls : [simulator.url], service()),
    log,
    onFault: (route, kind) => metrics.fault(route, kind),
  })
  link.onResult((result) => metrics.result(result))
  const receiver = new SmsReceiver({
    outbox,
    smsc: link,
    log,
    now,
    onIncoming: (incoming) => metrics.incoming(incoming),
    onRefused: (incoming) => metrics.refused(incoming),
  })
  const encoding = (): Required<EncodeOptions> => service().sms ?? { mostParts: 1, referenceBits: 16 }
  const sender: SmsSender = new SmsSender({ outbox, smsc: link, log, now, encoding })
  const housekeeping = new SmsHousekeeping({ outbox, receipts, log, now })
  housekeeping.open()
  // The carrier is connected to in the background, and for as long as it takes.
  sender.open().catch((error: unknown) => log.error({ err: error }, 'SMS cannot be sent: a bug in Pforte'))
  return {
    link,
    sender,
    simulator,
    state: () => {
      const { ok, detail } = linkState(link.status)
      return { ok, detail: simulator === null ? detail : `${detail}; this is the simulator, no SMS leaves this machine` }
    },
    bound: async (withinMs) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const limit = setTimeout(resolve, withinMs)
      link.onStatus(({ state }) => {
        if (state === 'bound') resolve()
      })
      if (link.status.some(({ state }) => state === 'bound')) resolve()
      await promise
      clearTimeout(limit)
    },
    close: async () => {
      await housekeeping.close()
      await sender.close()
      await receiver.close()
      await simulator?.close()
    },
  }
}
