/**
 * The status SMS: how many leave a second and come back recorded, beside Kannel
 * and beside npm `smpp` alone, against one sink in a process of its own; how
 * long one takes on an idle system; what a million held ones cost; and whether
 * memory stays flat.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ForkedSimulator } from '../src/local/smsc/fork.ts'
import { startSimulator } from '../src/local/smsc/simulator.ts'
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import type { BenchOptions } from './run.ts'
import { kannelPerSecond } from './sms/kannel-side.ts'
import { npmSmppPerSecond } from './sms/npm-smpp.ts'
import { PforteSide, WINDOW } from './sms/pforte-side.ts'
import { countIn, makeDue, seedHeld } from './sms/seed.ts'

/** Of issue 3. */
const BAR_PER_SECOND = 4_000
const BAR_WIRE_MS = 25
const BACKLOG = 1_000_000
const BAR_BACKLOG_RATIO = 1.5
const MEMORY_MESSAGES = 200_000
const BAR_MEMORY_MB = 30

const MESSAGES = 20_000
const ROUNDS = 3
const WARM_UP = 6_000
const TICKETS = 300
const CLAIMS = 60
const name = 'sms'

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('sms: starting the sink')
  const sink = await ForkedSimulator.start({ keep: { pdus: 0, messages: 0 } })
  // What is measured ends with the answers; Kannel asks for no receipts, and npm smpp alone would do nothing with them.
  await sink.faults({ kind: 'receipts', states: [] })
  try {
    const accepted = async (): Promise<number> => (await sink.counts()).accepted
    const pforte = await PforteSide.start(sink.url)
    const figures: Figure[] = []
    try {
      progress.step(`sms: warming up with ${WARM_UP} messages`)
      await throughput(pforte, 'warm', WARM_UP)
      const own: number[] = []
      const kannel: number[] = []
      const raw: number[] = []
      for (let round = 1; round <= ROUNDS; round++) {
        progress.step(`sms: round ${round}, ${MESSAGES} messages through Pforte`)
        own.push(await throughput(pforte, `round-${round}`, MESSAGES))
        progress.step(`sms: round ${round}, as many through Kannel`)
        kannel.push(await kannelPerSecond(sink.url, MESSAGES, accepted))
        progress.step(`sms: round ${round}, as many through npm smpp alone`)
        raw.push(await npmSmppPerSecond(sink.url, MESSAGES))
      }
      const perSecond = quantile(own, 0.5)
      figures.push(
        judged(
          name,
          `durable messages a second, one bind, window ${WINDOW}`,
          count(perSecond),
          `≥ ${count(BAR_PER_SECOND)}`,
          perSecond >= BAR_PER_SECOND,
        ),
        told(name, '  Kannel with a spool, fed over HTTP (no commit for each)', count(quantile(kannel, 0.5))),
        told(name, '  npm smpp alone, without a store', count(quantile(raw, 0.5))),
      )
      progress.step(`sms: ${BACKLOG} held messages`)
      figures.push(...(await backlog(pforte)))
    } finally {
      await pforte.stop()
    }
    progress.step('sms: one message at a time')
    figures.push(await wire())
    progress.step(`sms: ${MEMORY_MESSAGES} messages, with a carrier that stops reading in between`)
    figures.push(await memory(sink))
    progress.done('sms')
    return figures
  } finally {
    await sink.close()
  }
}

/** From the commit of the intents to the last answer in Postgres. */
async function throughput(pforte: PforteSide, batch: string, messages: number): Promise<number> {
  await seedHeld(pforte.db, messages, batch)
  const target = pforte.accepted + messages
  await makeDue(pforte.db, batch)
  const began = performance.now()
  pforte.kick()
  while (pforte.accepted < target) await wait(5)
  // Looking into the table costs; the last answers are all that can be missing by now.
  while ((await countIn(pforte.db, 'submitted', batch)) < messages) await wait(5)
  return (messages * 1000) / (performance.now() - began)
}

async function backlog(pforte: PforteSide): Promise<Figure[]> {
  const none = await claimMs(pforte, 'alone')
  await seedHeld(pforte.db, BACKLOG, 'backlog')
  const many = await claimMs(pforte, 'beside')
  const ratio = many / none
  return [
    judged(
      name,
      `a claim beside ${count(BACKLOG)} held messages`,
      `${ratio.toFixed(2)} ×`,
      `≤ ${BAR_BACKLOG_RATIO} ×`,
      ratio <= BAR_BACKLOG_RATIO,
    ),
    told(name, '  of ten due ones, without / with them', `${ms(none)} / ${ms(many)}`),
  ]
}

/** The median of many claims of ten messages, of which nothing is sent. */
async function claimMs(pforte: PforteSide, batch: string): Promise<number> {
  await seedHeld(pforte.db, 10, batch)
  await pforte.db.query(`UPDATE messages SET due_at = now() WHERE dedupe_key LIKE $1 || ' %'`, [batch])
  const spent: number[] = []
  for (let claim = 0; claim < CLAIMS; claim++) {
    const began = performance.now()
    await pforte.store.outbox.claim({ at: Date.now(), sender: 'bench', most: 10, take: () => null, untake: () => {} })
    spent.push(performance.now() - began)
  }
  await pforte.db.query(`UPDATE messages SET state = 'suppressed', due_at = NULL WHERE dedupe_key LIKE $1 || ' %'`, [batch])
  return quantile(spent, 0.5)
}

/** From asking for the ticket to its submit_sm at the carrier. */
async function wire(): Promise<Figure> {
  const simulator = await startSimulator()
  const pforte = await PforteSide.start(simulator.url)
  const spent: number[] = []
  try {
    for (let ticket = 0; ticket < TICKETS; ticket++) {
      const caller = `+4915${(200_000_000 + ticket).toString()}`
      const seen = simulator.untilPdu((pdu) => pdu.command === 'submit_sm' && pdu.fields['destination_addr'] === caller.slice(1))
      const began = performance.now()
      await pforte.store.records.createTicket({ subject: 'Leitung tot', caller, customerId: null, status: 'received' }, Date.now())
      await seen
      spent.push(performance.now() - began)
    }
  } finally {
    await pforte.stop()
    await simulator.close()
  }
  const p99 = quantile(spent.slice(TICKETS / 10), 0.99)
  return judged(
    name,
    `ticket change → submit_sm, idle (p50 ${ms(quantile(spent, 0.5))})`,
    `p99 ${ms(p99)}`,
    `< ${BAR_WIRE_MS} ms`,
    p99 < BAR_WIRE_MS,
  )
}

async function memory(sink: ForkedSimulator): Promise<Figure> {
  const pforte = await PforteSide.start(sink.url)
  try {
    await throughput(pforte, 'before', 20_000)
    const before = heapMb()
    const half = MEMORY_MESSAGES / 2
    await throughput(pforte, 'first', half)
    await seedHeld(pforte.db, half, 'second')
    await sink.faults({ kind: 'mute', what: 'reads' })
    await makeDue(pforte.db, 'second')
    pforte.kick()
    await wait(5_000)
    await sink.clearFaults()
    await sink.faults({ kind: 'receipts', states: [] })
    await untilOver(pforte, 'second')
    const grown = heapMb() - before
    return judged(
      name,
      `heap after ${count(MEMORY_MESSAGES)} messages, half of them behind a carrier that did not read`,
      `${grown < 0 ? '' : '+'}${grown.toFixed(1)} MB`,
      `< ${BAR_MEMORY_MB} MB`,
      grown < BAR_MEMORY_MB,
    )
  } finally {
    await pforte.stop()
  }
}

/** Those on the wire as the carrier stopped may stay uncertain. */
async function untilOver(pforte: PforteSide, batch: string): Promise<void> {
  while ((await countIn(pforte.db, 'queued', batch)) + (await countIn(pforte.db, 'submitting', batch)) > 0) await wait(200)
}

function heapMb(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 1024 / 1024
}

const count = (number: number): string => Math.round(number).toLocaleString('en')
