/** The sending half of Pforte as `main/` joins it: a real store, the carrier link, a simulated carrier. Only the telephone is missing. */
import type { Test } from 'tap'
import type { MessageRecord } from '../../../src/app/ports/records.ts'
import { SmsHousekeeping } from '../../../src/app/sms/housekeeping.ts'
import { SmsReceiver } from '../../../src/app/sms/receiver.ts'
import { SmsSender } from '../../../src/app/sms/sender.ts'
import type { SmsDefinition } from '../../../src/domain/sms/definition.ts'
import type { Simulator } from '../../../src/local/smsc/simulator.ts'
import type { ShownMessage } from '../../../src/local/smsc/phones.ts'
import { parseAccounts } from '../../../src/smpp/account.ts'
import { defaultLinkSettings, type LinkSettings } from '../../../src/smpp/settings.ts'
import { SmscLink } from '../../../src/smpp/smsc-link.ts'
import type { StoreOptions } from '../../../src/store/open.ts'
import { definition } from '../../store/sms/status-line.ts'
import { quiet, testStore } from '../../support/postgres.ts'
import { valueOf } from '../../support/stories.ts'
import { until } from '../../support/until.ts'

/** Deadlines that a story can wait for; nothing is asserted about how long anything took. */
const quick: LinkSettings = {
  ...defaultLinkSettings,
  responseTimeoutMs: 400,
  enquireLinkMs: 300,
  enquireLinkTimeoutMs: 400,
  partialPduMs: 400,
  firstPauseMs: 20,
  longestPauseMs: 100,
  drainMs: 1_000,
}

/** For stories in which the carrier answers: a busy machine is not to be taken for a mute one. */
export const patient: Partial<LinkSettings> = { responseTimeoutMs: 10_000, enquireLinkTimeoutMs: 10_000 }

/** An event whose template prefers a repeat to a gap; of another ticket's `received` it is the other way round. */
export const repeated = 'payment.received'

export type SendingOptions = { link?: Partial<LinkSettings>; store?: Partial<StoreOptions>; opens?: boolean }

export class SendingSide {
  readonly store
  readonly link: SmscLink
  readonly sender: SmsSender
  /** Does its rounds when it is told to. */
  readonly housekeeping: SmsHousekeeping
  /** Warnings and errors, as they were logged. */
  readonly logged: string[]
  readonly #isClosed: { it: boolean }

  private constructor(parts: Pick<SendingSide, 'store' | 'link' | 'sender' | 'housekeeping' | 'logged'> & { isClosed: { it: boolean } }) {
    this.store = parts.store as Awaited<ReturnType<typeof testStore>>
    this.link = parts.link
    this.sender = parts.sender
    this.housekeeping = parts.housekeeping
    this.logged = parts.logged
    this.#isClosed = parts.isClosed
  }

  static async start(t: Test, smsc: Simulator, { link: settings = {}, store: options = {}, opens = true }: SendingOptions = {}) {
    const logged: string[] = []
    const note = (fields: unknown, text?: string): void => void logged.push(`${text ?? ''} ${JSON.stringify(fields)}`)
    const log = { ...quiet, warn: note, error: note, child: () => log }
    const store = await testStore(t, options)
    await store.outbox.useSms(byDayAndNight(), Date.now())
    const accounts = parseAccounts(smsc.url)
    if ('problem' in accounts) throw new Error(accounts.problem)
    const carriers = accounts.map((account) => ({ account, settings: { ...quick, ...settings } }))
    const link = new SmscLink({ carriers, log })
    const receiver = new SmsReceiver({ outbox: store.outbox, smsc: link, log, now: Date.now })
    const sender = new SmsSender({
      outbox: store.outbox,
      smsc: link,
      log,
      now: Date.now,
      encoding: () => ({ mostParts: 4, referenceBits: 16 }),
    })
    const housekeeping = new SmsHousekeeping({ outbox: store.outbox, receipts: store.receipts, log, now: Date.now })
    const isClosed = { it: false }
    t.teardown(async () => {
      if (!isClosed.it) await sender.close()
      await receiver.close()
    })
    const side = new SendingSide({ store, link, sender, housekeeping, logged, isClosed })
    if (opens) {
      await sender.open()
      await until('the carrier to be bound', () => link.status.some(({ state }) => state === 'bound'))
    }
    return side
  }

  async close(): Promise<void> {
    this.#isClosed.it = true
    await this.sender.close()
  }

  /** A ticket comes in, and its customer is to be told. @returns the message's id */
  async tells(to: string): Promise<string> {
    const ticket = valueOf(
      await this.store.records.createTicket({ subject: 'Störung', caller: to, customerId: null, status: 'received' }, Date.now()),
    )
    const { items } = await this.store.records.messages({ ticketId: ticket.id }, { limit: 1, cursor: null })
    return items[0]!.id
  }

  /** Another system's event, of which its template says that a repeat is better than a gap. @returns the message's id */
  async tellsOfPayment(to: string, invoice = '4711'): Promise<string> {
    const event = { keyId: 'shop', type: repeated, to, customerId: null, data: { amount: '10,00 €', invoice }, idempotencyKey: null }
    return valueOf(await this.store.records.postEvent(event, Date.now())).messageIds[0]!
  }

  async message(id: string): Promise<MessageRecord> {
    return (await this.store.records.message(id))!
  }

  /** Waits until the message is in this state. */
  becomes(id: string, state: MessageRecord['state']): Promise<MessageRecord> {
    return until(`message ${id} to be ${state}`, async () => {
      const message = await this.message(id)
      if (message.state !== state) throw new Error(JSON.stringify({ state: message.state, parts: message.parts, trace: whys(message) }))
      return message
    })
  }

  /** How many stand where. */
  async states(): Promise<Record<string, number>> {
    const { rows } = await this.store.query<{ state: string; count: string }>(
      `SELECT state, count(*) FROM messages WHERE direction = 'out' GROUP BY state ORDER BY state`,
    )
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
  }

  /** Waits until all messages stand as wanted. */
  allBecome(wanted: (states: Record<string, number>) => boolean): Promise<Record<string, number>> {
    return until(
      'all messages to stand as they should',
      async () => {
        const states = await this.states()
        if (!wanted(states)) throw new Error(JSON.stringify(states))
        return states
      },
      30_000,
    )
  }

  /** Messages that become due in one commit, each to a phone of its own; every `longEvery`th in three parts. */
  async pile(count: number, { longEvery = Number.MAX_SAFE_INTEGER, template = 'ticket.received' } = {}): Promise<void> {
    await this.store.query(
      `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, due_at, parts, created_at)
       SELECT gen_random_uuid(), 'out', '+4915112' || 100000 + n, '+49621555100',
         CASE WHEN n % $2 = 0 THEN repeat('Ihr Anliegen ist in Arbeit. ', 14) || n ELSE 'Ihr Anliegen ist in Arbeit. ' || n END,
         'queued', $3, now(), 'Europe/Berlin', now(), CASE WHEN n % $2 = 0 THEN 3 ELSE 1 END, now() FROM generate_series(1, $1::bigint) n`,
      [count, longEvery, template],
    )
    this.sender.kick()
  }
}

/** Everything that shows on any phone, by number. */
export function displays(smsc: Simulator): Map<string, ShownMessage[]> {
  const shown = new Map<string, ShownMessage[]>()
  smsc.onDelivered((message) => {
    const others = shown.get(message.to)
    if (others === undefined) shown.set(message.to, [message])
    else others.push(message)
  })
  return shown
}

/** Numbers whose phone shows more than one message. */
export function shownTwice(shown: ReadonlyMap<string, readonly ShownMessage[]>): string[] {
  return [...shown].filter(([, messages]) => messages.length > 1).map(([number]) => number)
}

export function whys({ trace }: Pick<MessageRecord, 'trace'>): string[] {
  return trace.map(({ what, why }) => `${what}: ${why}`)
}

/** Pforte's own pforte.yaml, but that it sends at night as well, and that what may be repeated is repeated soon. */
function byDayAndNight(): SmsDefinition {
  const as = definition((sms) => (sms['window'] = 'always'))
  const payment = as.templates[repeated]!
  return { ...as, templates: { ...as.templates, [repeated]: { ...payment, onUncertain: { is: 'resend', afterMs: 700 } } } }
}
