/**
 * What operations watch, as Prometheus metrics. Names follow
 * https://prometheus.io/docs/practices/naming/: base units, `_total` for
 * counters.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CallObserver, Calls } from './calls/calls.ts'

/** Seconds a caller waited for a human: from at once to "this queue is too small". */
const WAIT_BUCKETS_S = [0.1, 1, 5, 10, 20, 30, 60, 120, 300, 600, 1800]

export class Metrics {
  readonly registry = new Registry()
  readonly #started: Counter
  readonly #ended: Counter
  readonly #pinChecks: Counter
  readonly #alarms: Counter
  readonly #wait: Histogram
  readonly #asterisk: Gauge

  constructor(calls: () => Calls, guessChance: () => Promise<{ chance: number; validPins: number }>) {
    const registers = [this.registry]
    // By itself it would look for delays a hundred times a second, which costs an idle Pforte most of its CPU.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 })
    this.#started = new Counter({ name: 'pforte_calls_started_total', help: 'Calls taken.', labelNames: ['line'], registers })
    this.#ended = new Counter({
      name: 'pforte_calls_ended_total',
      help: 'Calls ended, by what became of them.',
      labelNames: ['line', 'outcome'],
      registers,
    })
    this.#pinChecks = new Counter({
      name: 'pforte_pin_checks_total',
      help: 'PINs looked up: right, wrong, limited (refused unseen after too many wrong ones), step_up (customer number asked too).',
      labelNames: ['line', 'result'],
      registers,
    })
    this.#alarms = new Counter({
      name: 'pforte_pin_alarms_total',
      help: 'Times a line stepped up to customer number plus PIN.',
      labelNames: ['line'],
      registers,
    })
    this.#wait = new Histogram({
      name: 'pforte_queue_wait_seconds',
      help: 'From entering the queue to speaking with a human.',
      labelNames: ['line'],
      buckets: WAIT_BUCKETS_S,
      registers,
    })
    const validPins = new Gauge({ name: 'pforte_pins_valid', help: 'PINs that are valid now and can be typed.', registers })
    new Gauge({
      name: 'pforte_pin_guess_chance',
      help: 'Chance that one random PIN is a valid one (valid PINs / possible PINs, of the length that is most easily guessed).',
      registers,
      async collect() {
        // While Postgres is away the last figure stands.
        const now = await guessChance().catch(() => null)
        if (now === null) return
        this.set(now.chance)
        validPins.set(now.validPins)
      },
    })
    this.#asterisk = new Gauge({ name: 'pforte_asterisk_connected', help: '1 while the ARI connection stands.', registers })
    new Gauge({
      name: 'pforte_calls_under_way',
      help: 'Calls in progress now.',
      registers,
      collect() {
        this.set(calls().underWay.length)
      },
    })
    new Gauge({
      name: 'pforte_calls_unwritten',
      help: 'Calls whose newest state is not yet in Postgres.',
      registers,
      collect() {
        this.set(calls().journal.unwritten)
      },
    })
  }

  readonly observer: CallObserver = {
    started: (call) => this.#started.inc({ line: call.facts.line }),
    pinChecked: (call, answer) => {
      this.#pinChecks.inc({ line: call.facts.line, result: answer.result.is })
      if (answer.alarm !== null) this.#alarms.inc({ line: call.facts.line })
    },
    ended: (call, outcome) => {
      this.#ended.inc({ line: call.facts.line, outcome })
      const { queuedSince, connectedAt } = call.state
      if (queuedSince !== null && connectedAt !== null) {
        this.#wait.observe({ line: call.facts.line }, (connectedAt - queuedSince) / 1000)
      }
    },
  }

  asteriskConnected(connected: boolean): void {
    this.#asterisk.set(connected ? 1 : 0)
  }
}
