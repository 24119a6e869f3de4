/** What operations watch of the SMS, as Prometheus metrics (names as in `../metrics.ts`). */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { StrangerCap } from '../../domain/sms/caps.ts'
import type { BindStatus, Incoming, PartResult, Smsc } from '../ports/smsc.ts'

const STATES = ['connecting', 'binding', 'bound', 'waiting', 'refused', 'closed'] as const

export class SmsMetrics {
  readonly #results: Counter
  readonly #incoming: Counter
  readonly #refused: Counter
  readonly #faults: Counter
  readonly #alarms: Counter

  constructor(registry: Registry, smsc: () => Smsc | null, underWay: () => number, unmatched: () => Promise<number>) {
    const registers = [registry]
    this.#results = new Counter({
      name: 'pforte_sms_parts_total',
      help: 'Parts that settled at the carrier: accepted, rejected (with the status), unanswered, unwritten.',
      labelNames: ['route', 'result', 'status'],
      registers,
    })
    this.#incoming = new Counter({
      name: 'pforte_sms_incoming_total',
      help: 'What carriers delivered: receipts by state, and replies.',
      labelNames: ['route', 'kind', 'state'],
      registers,
    })
    this.#refused = new Counter({
      name: 'pforte_sms_incoming_refused_total',
      help: 'What could not be stored when it came, so that the carrier was asked to come again.',
      labelNames: ['route', 'kind'],
      registers,
    })
    this.#faults = new Counter({
      name: 'pforte_smpp_faults_total',
      help: 'Bad PDUs and the like from carriers, by kind.',
      labelNames: ['route', 'kind'],
      registers,
    })
    this.#alarms = new Counter({
      name: 'pforte_sms_alarms_total',
      help: 'SMS to numbers that nobody vouches for which a cap held back: somebody may be using forged caller IDs.',
      labelNames: ['cap'],
      registers,
    })
    new Gauge({
      name: 'pforte_smpp_binds',
      help: 'Binds by state.',
      labelNames: ['route', 'state'],
      registers,
      collect() {
        this.reset()
        for (const { route, state } of smsc()?.status ?? []) {
          for (const each of STATES) this.inc({ route, state: each }, each === state ? 1 : 0)
        }
      },
    })
    new Gauge({
      name: 'pforte_sms_receipts_unmatched',
      help: 'Receipts of more than a minute ago that are for no message of ours.',
      registers,
      async collect() {
        // While Postgres is away the last figure stands.
        const now = await unmatched().catch(() => null)
        if (now !== null) this.set(now)
      },
    })
    new Gauge({
      name: 'pforte_sms_parts_under_way',
      help: 'Parts on the wire that are not answered yet.',
      registers,
      collect() {
        this.set(underWay())
      },
    })
  }

  result(result: PartResult): void {
    const status = result.is === 'rejected' ? result.status : ''
    this.#results.inc({ route: result.reservation.route, result: result.is, status })
  }

  incoming(incoming: Incoming): void {
    const state = incoming.kind === 'receipt' ? incoming.state : ''
    this.#incoming.inc({ route: incoming.route, kind: incoming.kind, state })
  }

  refused(incoming: Incoming): void {
    this.#refused.inc({ route: incoming.route, kind: incoming.kind })
  }

  fault(route: string, kind: string): void {
    this.#faults.inc({ route, kind })
  }

  alarm(cap: StrangerCap): void {
    this.#alarms.inc({ cap })
  }
}

/** One line for `/readyz`: well if any bind is bound; otherwise why not, and what is to be done. */
export function linkState(status: readonly BindStatus[]): { ok: boolean; detail: string } {
  const bound = status.filter(({ state }) => state === 'bound')
  const others = status.filter(({ state }) => state !== 'bound')
  const detail = [
    ...(bound.length > 0
      ? [`bound: ${bound.map(({ bind, slowed }) => (slowed ? `${bind} (slowed by the carrier)` : bind)).join(', ')}`]
      : []),
    ...others.map(({ bind, state, why }) => `${bind} ${state}: ${why}`),
  ]
  return { ok: bound.length > 0, detail: detail.join('; ') }
}
