/**
 * Many who watch `GET /v1/live` on a whole Pforte: how long a change takes from
 * the moment its request is sent until the last of them has it. They are in a
 * process of their own, Pforte is another, the changes come from this one.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseDocument } from 'yaml'
import { Phone } from '../src/local/phone/phone.ts'
import { TestPforte } from '../test/support/pforte.ts'
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import { Crowd } from './live/crowd.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 4: "500 live subscribers: a change reaches all within 200 ms, without a query for each". */
const SUBSCRIBERS = 500
const BAR_MS = 200
const CHANGES = 400
const CALLS = 20
const WARM_UP = 40
const TICKETS = 20
const LANDLINE = '+4962155501'
const PAUSE_MS = { least: 20, most: 80 }
const name = 'live'

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('live: starting Pforte')
  const pforte = await TestPforte.start({ yaml: atAnyHour })
  let crowd: Crowd | null = null
  try {
    progress.step(`live: ${SUBSCRIBERS} come to watch`)
    crowd = await Crowd.gather({ url: pforte.url, key: pforte.environment['PFORTE_API_KEY']!, count: SUBSCRIBERS })
    const bench = new LiveBench(pforte, crowd)
    await bench.prepare()
    await bench.make(WARM_UP)
    bench.spentMs.clear()
    progress.step(`live: ${CHANGES} changes`)
    const before = await transactions(pforte)
    await bench.make(CHANGES)
    const spent = (await transactions(pforte)) - before
    progress.step(`live: ${CALLS} calls`)
    await bench.call(CALLS)
    progress.done('live')
    return figuresOf(bench.spentMs, spent / CHANGES, crowd.lost)
  } finally {
    crowd?.leave()
    await pforte.stop()
  }
}

type Kind = 'ticket made' | 'ticket changed' | 'agent paused' | 'event → message' | 'call'

type Changed = { readonly id: string; told: Promise<void> }

class LiveBench {
  readonly spentMs = new Map<Kind, number[]>()
  readonly #pforte: TestPforte
  readonly #crowd: Crowd
  #marks = 0
  /** Nothing is changed again before all have heard of the last time: what is changed twice in a moment is told once. */
  #tickets: Changed[] = []
  #agents: Changed[] = []

  constructor(pforte: TestPforte, crowd: Crowd) {
    this.#pforte = pforte
    this.#crowd = crowd
  }

  async prepare(): Promise<void> {
    const { items } = await this.#ask('GET', '/v1/agents')
    this.#agents = (items as { id: string }[]).map(({ id }) => ({ id, told: Promise.resolve() }))
    for (let place = 0; place < TICKETS; place += 1) {
      const { id } = await this.#ask('POST', '/v1/tickets', { subject: 'Anschluss gestört', caller: LANDLINE })
      this.#tickets.push({ id: String(id), told: Promise.resolve() })
    }
  }

  /** One after the other by their kinds, each some time after the one before, whether all have heard of that or not. */
  async make(count: number): Promise<void> {
    const under: Promise<unknown>[] = []
    const change = (kind: Kind, mark: string, method: string, path: string, body: object): Promise<void> => {
      const heard = this.#heard(kind, mark)
      under.push(this.#ask(method, path, body), heard)
      // They are told of at the end.
      for (const one of under.slice(-2)) one.catch(() => {})
      return heard
    }
    const next = async (things: Changed[], place: number): Promise<Changed> => {
      const thing = things[place % things.length]!
      await thing.told
      return thing
    }
    for (let place = 0; place < count; place += 1) {
      await wait(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least))
      const mark = this.#mark()
      const text = `bench-${mark}`
      if (place % 4 === 0) void change('ticket made', mark, 'POST', '/v1/tickets', { subject: text, caller: LANDLINE })
      else if (place % 4 === 1) {
        const ticket = await next(this.#tickets, place)
        ticket.told = change('ticket changed', mark, 'PATCH', `/v1/tickets/${ticket.id}`, { subject: text })
      } else if (place % 4 === 2) {
        const agent = await next(this.#agents, place)
        agent.told = change('agent paused', mark, 'PUT', `/v1/agents/${agent.id}/state`, { state: 'paused', reason: text })
      } else {
        const to = `+4915${200_000_000 + Math.floor(Math.random() * 50_000_000)}`
        void change('event → message', mark, 'POST', '/v1/events', {
          type: 'payment.received',
          to,
          data: { amount: '49,90 €', invoice: text },
        })
      }
    }
    await Promise.all(under)
  }

  /** From the INVITE, which Asterisk and Pforte answer before anything is written. */
  async call(count: number): Promise<void> {
    const phone = await Phone.open({ host: '127.0.0.1', user: 'caller' })
    try {
      for (let place = 0; place < count; place += 1) {
        const mark = this.#mark()
        const heard = this.#heard('call', mark)
        heard.catch(() => {})
        const call = await phone.call(this.#pforte.lineUri(), { from: `+4962199${mark}`, media: 'digits-only', listen: false })
        await heard
        await call.hangUp()
      }
    } finally {
      await phone.close()
    }
  }

  #mark(): string {
    this.#marks += 1
    return String(this.#marks).padStart(6, '0')
  }

  async #heard(kind: Kind, mark: string): Promise<void> {
    const beganAt = Number(process.hrtime.bigint()) / 1e6
    const spent = (await this.#crowd.all(mark)) - beganAt
    this.spentMs.set(kind, [...(this.spentMs.get(kind) ?? []), spent])
  }

  async #ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await this.#pforte.request(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
}

function figuresOf(spentMs: ReadonlyMap<Kind, number[]>, transactionsEach: number, lost: number): Figure[] {
  const changes = [...spentMs].flatMap(([kind, spent]) => (kind === 'call' ? [] : spent))
  const worst = Math.max(...changes)
  const p99 = quantile(changes, 0.99)
  const spread = (values: readonly number[]): string =>
    `${ms(quantile(values, 0.5))} / ${ms(quantile(values, 0.99))} / ${ms(Math.max(...values))}`
  return [
    judged(name, `a change's request → all ${SUBSCRIBERS} have it, p99 of ${changes.length}`, ms(p99), `≤ ${BAR_MS} ms`, p99 <= BAR_MS),
    told(name, '  p50, worst', `${ms(quantile(changes, 0.5))}, ${ms(worst)}`),
    ...[...spentMs].map(([kind, spent]) =>
      told(name, `  ${kind === 'call' ? 'INVITE of a call' : kind}: p50 / p99 / worst`, spread(spent)),
    ),
    told(name, '  transactions in Postgres for each change, its own and all reading', transactionsEach.toFixed(1)),
    judged(name, '  lines that broke', String(lost), 'none', lost === 0),
  ]
}

/** Of the whole database so far; Postgres counts them about a second late. */
async function transactions({ db }: TestPforte): Promise<number> {
  await wait(2_000)
  const { rows } = await db.query<{ count: string }>(`SELECT xact_commit AS count FROM pg_stat_database WHERE datname = current_database()`)
  return Number(rows[0]!.count)
}

/** Messages leave whatever the hour. */
function atAnyHour(text: string): string {
  const file = parseDocument(text)
  file.setIn(['sms', 'window'], 'always')
  return file.toString()
}
