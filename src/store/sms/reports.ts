/** What status SMS bring, counted over a period and the equally long one before. */
import type {
  SmsReport,
  SmsReportDay,
  SmsReportFigure,
  SmsReportRequest,
  SmsReportRoute,
  SmsReportTemplate,
  SmsReportTotals,
} from '../../app/ports/sms-report.ts'
import { changePercent, percentOf } from '../../domain/sms/effect.ts'
import type { LongReading, Read } from '../long-reading.ts'
import {
  byRoute,
  complaintsByTemplate,
  enquiries,
  optOutsByTemplate,
  sentByTemplate,
  statesByTemplate,
  statusMessages,
} from './report-queries.ts'

const dayMs = 86_400_000

type Period = { from: number; to: number }
type EnquiriesRow = {
  days: { date: string; calls: number; replies: number; statusWords: number }[]
  callsEndedInformed: number
  ticketsAskedAbout: number
  ticketsCreated: number
}
type StatusMessagesRow = { statusMessages: number; statusMessagesWithoutCall: number }
/** Null: not within two days of a message. */
type CountedTemplate = { template: string | null; count: number }
type RouteRow = Omit<SmsReportRoute, 'open' | 'deliveredPercent'>

/** All that is counted of a period. */
type Counted = { totals: SmsReportTotals; days: SmsReportDay[]; templates: SmsReportTemplate[]; routes: SmsReportRoute[] }

export class SmsReports {
  readonly #reading: LongReading

  constructor(reading: LongReading) {
    this.#reading = reading
  }

  /** @throws StoreUnavailable, when it takes too long, too */
  report(request: SmsReportRequest): Promise<SmsReport> {
    const { from, to, timeZone } = request
    return this.#reading.read(async (read) => {
      const period = await count(read, { from, to }, request)
      const before = await count(read, { from: from - (to - from), to: from }, request)
      return {
        timeZone,
        period: period.totals,
        before: before.totals,
        changePercent: changes(period.totals, before.totals),
        days: withEmptyDays(period.days, request),
        templates: period.templates,
        routes: period.routes,
      }
    })
  }
}

async function count(read: Read, period: Period, { timeZone, at }: SmsReportRequest): Promise<Counted> {
  const between = [new Date(period.from), new Date(period.to)]
  const [asked] = await read<EnquiriesRow>(enquiries, [...between, timeZone])
  const [told] = await read<StatusMessagesRow>(statusMessages, [...between, new Date(at - dayMs)])
  const optOuts = await read<CountedTemplate>(optOutsByTemplate, between)
  const complaints = await read<CountedTemplate>(complaintsByTemplate, between)
  const states = await read<{ template: string; state: string; messages: number }>(statesByTemplate, between)
  const sent = await read<{ template: string; sent: number }>(sentByTemplate, between)
  const routes = (await read<RouteRow>(byRoute, between)).map(withShare)

  const days = asked!.days.map((day) => ({ ...day, enquiries: day.calls + day.replies }))
  const sum = (of: (day: SmsReportDay) => number): number => days.reduce((total, day) => total + of(day), 0)
  const { ticketsCreated, ticketsAskedAbout, callsEndedInformed } = asked!
  const totals: SmsReportTotals = {
    ...period,
    ticketsCreated,
    ticketsAskedAbout,
    ticketsAskedAboutPercent: percentOf(ticketsAskedAbout, ticketsCreated),
    enquiries: sum((day) => day.enquiries),
    calls: sum((day) => day.calls),
    replies: sum((day) => day.replies),
    statusWords: sum((day) => day.statusWords),
    callsEndedInformed,
    ...told!,
    statusMessagesWithoutCallPercent: percentOf(told!.statusMessagesWithoutCall, told!.statusMessages),
    messagesSent: routes.reduce((total, route) => total + route.sent, 0),
    messagesDelivered: routes.reduce((total, route) => total + route.delivered, 0),
    optOuts: optOuts.reduce((total, { count }) => total + count, 0),
    complaints: complaints.reduce((total, { count }) => total + count, 0),
  }
  return { totals, days, templates: byTemplate(states, sent, optOuts, complaints), routes }
}

function byTemplate(
  states: readonly { template: string; state: string; messages: number }[],
  sent: readonly { template: string; sent: number }[],
  optOuts: readonly CountedTemplate[],
  complaints: readonly CountedTemplate[],
): SmsReportTemplate[] {
  const templates = new Map<string, SmsReportTemplate>()
  const at = (template: string): SmsReportTemplate => {
    let found = templates.get(template)
    if (found === undefined) {
      found = { template, messages: 0, states: {}, sent: 0, optOuts: 0, optOutPercent: null, complaints: 0 }
      templates.set(template, found)
    }
    return found
  }
  for (const { template, state, messages } of states) {
    at(template).states[state] = messages
    at(template).messages += messages
  }
  for (const row of sent) at(row.template).sent = row.sent
  for (const { template, count } of optOuts) if (template !== null) at(template).optOuts = count
  for (const { template, count } of complaints) if (template !== null) at(template).complaints = count
  for (const row of templates.values()) row.optOutPercent = percentOf(row.optOuts, row.sent)
  return [...templates.values()].sort((a, b) => (a.template < b.template ? -1 : 1))
}

function withShare(row: RouteRow): SmsReportRoute {
  const { sent, delivered, undeliverable, expired, failed } = row
  const ended = delivered + undeliverable + expired + failed
  return { ...row, open: sent - ended, deliveredPercent: percentOf(delivered, ended) }
}

function changes(period: SmsReportTotals, before: SmsReportTotals): Record<SmsReportFigure, number | null> {
  const figures = Object.keys(period).filter((name): name is SmsReportFigure => name !== 'from' && name !== 'to')
  return Object.fromEntries(figures.map((name) => [name, changePercent(period[name], before[name])])) as Record<
    SmsReportFigure,
    number | null
  >
}

/** A day on which nobody asked is news, too. */
function withEmptyDays(days: readonly SmsReportDay[], { from, to, timeZone }: SmsReportRequest): SmsReportDay[] {
  const dateAt = (at: number): Temporal.PlainDate => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate()
  const byDate = new Map(days.map((day) => [day.date, day]))
  const all: SmsReportDay[] = []
  const last = dateAt(to - 1)
  for (let date = dateAt(from); Temporal.PlainDate.compare(date, last) <= 0; date = date.add({ days: 1 })) {
    all.push(byDate.get(date.toString()) ?? { date: date.toString(), enquiries: 0, calls: 0, replies: 0, statusWords: 0 })
  }
  return all
}
