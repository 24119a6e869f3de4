import { Type } from 'typebox'
import { prefers } from '../accept.ts'
import { type Api, problems, timeRange } from '../api.ts'
import { type Cell, toCsv } from '../../domain/csv.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { invalidField } from '../problem.ts'
import { ref } from '../schemas/common.ts'
import { SmsReport, SmsReportQuery } from '../schemas/reports.ts'
import type * as Reports from '../../app/ports/sms-report.ts'

const DAY_MS = 86_400_000
const USUAL_DAYS = 30
/** A leap year. */
const MOST_DAYS = 366

/** What the status SMS bring. */
export function reportRoutes(app: Api, { records, service, now }: HttpOptions): void {
  app.get(
    '/v1/reports/sms',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['reports'],
        summary: 'What status SMS bring, beside the equally long time before',
        description: `The last ${USUAL_DAYS} days where nothing is given. What has not happened yet is left out: \`to\` is now at the latest.`,
        querystring: SmsReportQuery,
        response: {
          200: {
            description: 'The report',
            content: { 'application/json': { schema: ref(SmsReport) }, 'text/csv': { schema: Type.String() } },
          },
          ...problems,
        },
      },
    },
    async (request, reply) => {
      const at = now()
      const report = await records.smsReport({ ...period(timeRange(request.query), at), timeZone: service().timeZone, at })
      reply.header('vary', 'accept')
      const { format } = request.query
      const isCsv = format === undefined ? prefers(request.headers.accept, 'text/csv', 'application/json') : format === 'csv'
      if (!isCsv) return { ...report, period: showTotals(report.period), before: showTotals(report.before) }
      const name = `sms-${isoTime(report.period.from).slice(0, 10)}-${isoTime(report.period.to).slice(0, 10)}.csv`
      reply.type('text/csv; charset=utf-8; header=present').header('content-disposition', `attachment; filename="${name}"`)
      return reply.send(asCsv(report))
    },
  )
}

/** @throws ProblemError */
function period(given: { from?: number; to?: number }, at: number): { from: number; to: number } {
  const to = Math.min(given.to ?? at, at)
  const from = given.from ?? to - USUAL_DAYS * DAY_MS
  if (from >= to) throw invalidField('query', 'from', 'must be in the past')
  if (to - from > MOST_DAYS * DAY_MS) throw invalidField('query', 'from', `must be at most ${MOST_DAYS} days before to`)
  return { from, to }
}

function showTotals(totals: Reports.SmsReportTotals) {
  return { ...totals, from: isoTime(totals.from), to: isoTime(totals.to) }
}

/** A line for each figure, so that a spreadsheet can filter and pivot them: of the whole period, of a day, a template, a route. */
function asCsv({ period, before, changePercent, days, templates, routes }: Reports.SmsReport): string {
  const { from, to, ...figures } = period
  const rows: Cell[][] = [
    ['period', '', 'from', isoTime(from), isoTime(before.from), null],
    ['period', '', 'to', isoTime(to), isoTime(before.to), null],
    ...Object.entries(figures).map(([figure, value]) => {
      const name = figure as Reports.SmsReportFigure
      return ['period', '', name, value, before[name], changePercent[name]]
    }),
  ]
  const add = (of: string, name: string, values: Record<string, number | null>): void => {
    for (const [figure, value] of Object.entries(values)) rows.push([of, name, figure, value, null, null])
  }
  for (const { date, ...values } of days) add('day', date, values)
  for (const { template, states, ...values } of templates) {
    add('template', template, values)
    for (const [state, messages] of Object.entries(states)) rows.push(['template', template, `state ${state}`, messages, null, null])
  }
  for (const { route, ...values } of routes) add('route', route, values)
  return toCsv(['of', 'name', 'figure', 'value', 'before', 'changePercent'], rows)
}
