/**
 * What holds for every message, whatever happens: a small model of the outbox
 * plays days of tickets, answers, opt-outs and a carrier that comes and goes, asks `decide` when a message is
 * meant and again when it is due, and looks at what was sent.
 */
import t from 'tap'
import fc from 'fast-check'
import type { Cap } from '../../../src/domain/sms/caps.ts'
import type { ConsentChange } from '../../../src/domain/sms/consent.ts'
import { decide, freshForMs, type Decision, type Facts, type Rules } from '../../../src/domain/sms/decide.ts'
import { isOpen, type Window } from '../../../src/domain/sms/window.ts'
import type { TicketStatus } from '../../../src/domain/ticket/status.ts'

const minute = 60_000
const hour = 60 * minute
const window: Window = { fromMinute: 8 * 60, toMinute: 20 * 60, sundays: false, holidays: ['2026-04-03', '2026-04-06'] }
const rules: Rules = {
  caps: [
    { most: 2, inMs: 3 * hour },
    { most: 4, inMs: 24 * hour },
  ],
  answerCaps: [{ most: 3, inMs: 12 * hour }],
  strangerCaps: { perNumber: { most: 3, inMs: 24 * hour }, perLine: { most: 5, inMs: 6 * hour }, inTotal: { most: 8, inMs: 24 * hour } },
  spreadMs: 10 * minute,
}
const numbers = [
  { to: '+491', timeZone: 'Europe/Berlin', isStranger: false },
  { to: '+12', timeZone: 'America/New_York', isStranger: false },
  { to: '+49strange1', timeZone: 'Europe/Berlin', isStranger: true },
  { to: '+49strange2', timeZone: 'Europe/Berlin', isStranger: true },
]
const statuses: TicketStatus[] = ['received', 'in_progress', 'completed', 'in_progress']

type Message = Facts['message'] & { to: string; state: 'waiting' | 'sent' | 'gone'; dueAt: number; meantAt: number; line: string }
/** `isOut`: the recipient had opted out. */
type Sent = { message: Message; at: number; validUntil: number; isOut: boolean }

/** What an outbox does around `decide`, with lists for tables. */
class Outbox {
  /** Whether an intent clears away what it makes pointless; the claim must do without. */
  readonly #coalesces: boolean
  isLinkUp = true
  readonly messages: Message[] = []
  readonly sent: Sent[] = []
  readonly #consent = new Map<string, ConsentChange[]>()
  readonly #out = new Set<string>()
  readonly versions = new Map<string, number>()
  now = Temporal.ZonedDateTime.from('2026-03-27T06:00[Europe/Berlin]').epochMilliseconds

  constructor(coalesces: boolean) {
    this.#coalesces = coalesces
  }

  changeTicket(ticket: number): void {
    const ticketId = `t${ticket}`
    const version = (this.versions.get(ticketId) ?? 0) + 1
    this.versions.set(ticketId, version)
    const status = statuses[(version - 1) % statuses.length] ?? 'received'
    this.#mean(ticket, { ticketId, tells: { status, version }, isAnswer: version === 1 && ticket % 2 === 0, purpose: 'status' })
    if (this.#coalesces) this.#supersedeOlder(ticketId, version)
  }

  ask(number: number): void {
    this.#mean(number, { ticketId: null, tells: null, isAnswer: true, purpose: null })
  }

  say(number: number, is: 'out' | 'in'): void {
    const { to } = this.#number(number)
    this.#consent.set(to, [...(this.#consent.get(to) ?? []), { purpose: 'all', is, at: this.now }])
    if (is === 'out') this.#out.add(to)
    else this.#out.delete(to)
  }

  /** Lets time pass, from one due message to the next. */
  pass(ms: number): void {
    const until = this.now + ms
    while (this.isLinkUp) {
      const due = this.messages.filter(({ state, dueAt }) => state === 'waiting' && dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0]
      if (due === undefined) break
      this.now = Math.max(this.now, due.dueAt)
      this.#act(due, decide(this.#facts(due, null), rules))
    }
    this.now = until
  }

  #mean(number: number, what: Pick<Message, 'ticketId' | 'tells' | 'isAnswer' | 'purpose'>): void {
    const { to, isStranger } = this.#number(number)
    const id = `m${this.messages.length}`
    const message: Message = {
      ...{ id, to, happenedAt: this.now, goodForMs: 96 * hour, window, state: 'waiting', dueAt: this.now, meantAt: this.now },
      line: `line${number % 2}`,
      ...what,
    }
    const decision = decide(this.#facts(message, isStranger ? this.#strangers(message) : null), rules)
    this.messages.push(message)
    if (decision.do === 'send' && !this.isLinkUp) return
    this.#act(message, decision)
  }

  #act(message: Message, decision: Decision): void {
    if (decision.do === 'hold') {
      if (decision.until <= this.now) throw new Error('held until a moment that has passed')
      message.dueAt = decision.until
    } else if (decision.do === 'send') {
      message.state = 'sent'
      this.sent.push({ message, at: this.now, validUntil: decision.validUntil, isOut: this.#out.has(message.to) })
    } else message.state = 'gone'
  }

  #facts(message: Message, stranger: Facts['recipient']['stranger']): Facts {
    const { ticketId, to, isAnswer } = message
    const told = this.sent.findLast(({ message: { ticketId: other, tells } }) => other === ticketId && ticketId !== null && tells !== null)
    return {
      at: this.now,
      message,
      ticket: ticketId === null ? null : { version: this.versions.get(ticketId) ?? 0, told: told?.message.tells ?? null },
      recipient: {
        refusal: null,
        timeZone: numbers.find((number) => number.to === to)?.timeZone ?? 'UTC',
        consent: this.#consent.get(to) ?? [],
        sentAt: this.sent.filter((one) => one.message.to === to && one.message.isAnswer === isAnswer).map(({ at }) => at),
        stranger,
      },
    }
  }

  #strangers({ to, line }: Message): Facts['recipient']['stranger'] {
    const isOfStranger = (message: Message): boolean => message.to.includes('strange') && message.state !== 'gone'
    const count = ({ inMs }: Cap, isMeant: (message: Message) => boolean): number =>
      this.messages.filter((message) => isOfStranger(message) && isMeant(message) && message.meantAt > this.now - inMs).length
    const { perNumber, perLine, inTotal } = rules.strangerCaps
    return {
      byNumber: count(perNumber, (message) => message.to === to),
      byLine: count(perLine, (message) => message.line === line),
      inTotal: count(inTotal, () => true),
    }
  }

  #supersedeOlder(ticketId: string, version: number): void {
    const to = this.messages.at(-1)?.to
    for (const message of this.messages) {
      const isOlder = message.ticketId === ticketId && message.to === to && (message.tells?.version ?? version) < version
      if (isOlder && message.state === 'waiting' && !message.isAnswer) message.state = 'gone'
    }
  }

  #number(index: number) {
    return numbers[index % numbers.length]!
  }
}

const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ ticket: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ asks: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ says: fc.constantFrom('out' as const, 'in' as const), number: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ passMs: fc.integer({ min: 1, max: 12 * hour }) }) },
  { weight: 1, arbitrary: fc.record({ passMs: fc.integer({ min: 1, max: minute }) }) },
  { weight: 1, arbitrary: fc.record({ isLinkUp: fc.boolean() }) },
)
const days = fc.record({ script: fc.array(happening, { minLength: 5, maxLength: 60 }), coalesces: fc.boolean() })
type Days = typeof days extends fc.Arbitrary<infer T> ? T : never

function played({ script, coalesces }: Days, look: (outbox: Outbox) => void = () => {}): Outbox {
  const outbox = new Outbox(coalesces)
  for (const happened of script) {
    if ('ticket' in happened) outbox.changeTicket(happened.ticket)
    else if ('asks' in happened) outbox.ask(happened.asks)
    else if ('says' in happened) outbox.say(happened.number, happened.says)
    else if ('passMs' in happened) outbox.pass(happened.passMs)
    else outbox.isLinkUp = happened.isLinkUp
    look(outbox)
  }
  return outbox
}

const zoneOf = (to: string): string => numbers.find((number) => number.to === to)?.timeZone ?? 'UTC'

t.test('nothing reaches a phone outside its window, but fresh answers', async (t) => {
  let answersAtNight = 0
  fc.assert(
    fc.property(days, (days) => {
      const { sent } = played(days)
      for (const { message, at, validUntil } of sent) {
        const zone = zoneOf(message.to)
        if (validUntil - at < minute) throw new Error('too short for the carrier')
        if (validUntil > message.happenedAt + message.goodForMs) throw new Error('longer than it is of use')
        if (isOpen(window, zone, at) && isOpen(window, zone, validUntil - 1)) continue
        if (!message.isAnswer || validUntil > message.happenedAt + freshForMs) throw new Error(`at night, and no fresh answer`)
        answersAtNight++
      }
    }),
    { numRuns: 400 },
  )
  t.ok(answersAtNight > 20, `${answersAtNight} answers at night`)
})

t.test('a ticket never tells an older status after a newer one, nor one twice', async (t) => {
  let sentInAll = 0
  fc.assert(
    fc.property(days, (days) => {
      const { sent } = played(days)
      const told = new Map<string, NonNullable<Message['tells']>>()
      for (const { message } of sent) {
        if (message.ticketId === null || message.tells === null) continue
        const before = told.get(message.ticketId)
        if (before !== undefined && before.version >= message.tells.version) throw new Error('an older status after a newer one')
        if (before?.status === message.tells.status) throw new Error('the same status again')
        told.set(message.ticketId, message.tells)
        sentInAll++
      }
    }),
    { numRuns: 400 },
  )
  t.ok(sentInAll > 400, `${sentInAll} sent`)
})

t.test('of one ticket never two statuses wait, and at the end of the week each customer knows the last one', async () => {
  fc.assert(
    fc.property(days, (days) => {
      const outbox = played(days, ({ messages }) => {
        const waiting = messages.filter(({ state, tells, isAnswer }) => state === 'waiting' && tells !== null && !isAnswer)
        if (days.coalesces && new Set(waiting.map(({ ticketId }) => ticketId)).size !== waiting.length) throw new Error('two wait')
      })
      outbox.isLinkUp = true
      outbox.pass(7 * 24 * hour)
      for (const [ticketId, version] of outbox.versions) {
        const newest = outbox.messages.findLast((message) => message.ticketId === ticketId)
        const told = outbox.sent.findLast(({ message }) => message.ticketId === ticketId)?.message.tells
        // Caps, an opt-out or too long a wait may have kept it from them; that is told in its trace.
        if (newest?.state === 'sent' && told?.version !== version) throw new Error('not the last status')
        if (newest?.state === 'waiting') throw new Error('it waits for ever')
      }
    }),
    { numRuns: 400 },
  )
})

t.test('caps are never exceeded: of a recipient, of a stranger, a line, and all strangers', async (t) => {
  let held = 0
  fc.assert(
    fc.property(days, (days) => {
      const { sent, messages } = played(days)
      const check = (caps: readonly Cap[], moments: number[]): void => {
        for (const moment of moments) {
          for (const { most, inMs } of caps) {
            if (moments.filter((other) => other <= moment && other > moment - inMs).length > most)
              throw new Error('more than the cap allows')
          }
        }
      }
      for (const { to } of numbers) {
        check(
          rules.caps,
          sent.filter(({ message }) => message.to === to && !message.isAnswer).map(({ at }) => at),
        )
        check(
          rules.answerCaps,
          sent.filter(({ message }) => message.to === to && message.isAnswer).map(({ at }) => at),
        )
      }
      const toStrangers = messages.filter(({ to, state }) => to.includes('strange') && state === 'sent')
      const { perNumber, perLine, inTotal } = rules.strangerCaps
      check(
        [inTotal],
        toStrangers.map(({ meantAt }) => meantAt),
      )
      for (const line of ['line0', 'line1'])
        check(
          [perLine],
          toStrangers.filter((one) => one.line === line).map(({ meantAt }) => meantAt),
        )
      for (const { to } of numbers)
        check(
          [perNumber],
          toStrangers.filter((one) => one.to === to).map(({ meantAt }) => meantAt),
        )
      held += messages.filter(({ state, dueAt, meantAt }) => state === 'sent' && dueAt > meantAt).length
    }),
    { numRuns: 400 },
  )
  t.ok(held > 50, `${held} were held and sent later`)
})

t.test('after STOP nothing comes that was not asked for, whatever was waiting', async (t) => {
  let answers = 0
  fc.assert(
    fc.property(days, (days) => {
      for (const { message, isOut } of played(days).sent) {
        if (isOut && message.purpose !== null) throw new Error('against an opt-out')
        if (isOut) answers++
      }
    }),
    { numRuns: 400 },
  )
  t.ok(answers > 0, `${answers} answers to who had opted out`)
})

t.test('the same facts give the same decision', async () => {
  const outbox = new Outbox(true)
  const message = { id: 'm', ticketId: null, happenedAt: outbox.now, goodForMs: hour, window, isAnswer: false, purpose: null, tells: null }
  const facts: Facts = {
    at: outbox.now,
    message,
    ticket: null,
    recipient: { refusal: null, timeZone: 'Europe/Berlin', consent: [], sentAt: [], stranger: null },
  }
  t.same(decide(facts, rules), decide(structuredClone(facts), structuredClone(rules)))
})
