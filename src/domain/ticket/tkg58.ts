/**
 * The legal clock of a reported fault: TKG (German Telecommunications Act) § 58,
 * in calendar days of the service's time zone. Not legal advice.
 *
 * - (2) sentence 1: the report is confirmed to the consumer at once.
 * - (2) sentence 2: a fault that is not fixed within one calendar day after the report is told of within the next day: what is being
 *   done, and until when. Read strictly: the day after the report, until its end.
 * - (3): not fixed within two calendar days, from the following day on each day without service costs 5 € or 10 % of the monthly
 *   price on the third and fourth day, 10 € or 20 % from the fifth on.
 *
 * The day of the report is not counted (BGB § 187 (1)): day 3 is the third day after it.
 */

/** Epoch ms. */
export type LegalDates = {
  /** From here on the customer has to be told … */
  noticeFromAt: number
  /** … and by here, not including it: the end of the day after the report. */
  noticeDueAt: number
  /** Day 3 begins. */
  compensationFromAt: number
  /** Day 5 begins. */
  raisedCompensationFromAt: number
}

/** What comes when, in its order: each once. */
export const legalSteps = [
  { is: 'notice', day: 1 },
  { is: 'compensation', day: 3 },
  { is: 'compensation', day: 5 },
] as const
export type LegalStep = (typeof legalSteps)[number]

/**
 * @param reportedAt epoch ms
 * @param timeZone one that exists; Temporal throws RangeError for others
 */
export function legalDates(reportedAt: number, timeZone: string): LegalDates {
  const reportedOn = dayOf(reportedAt, timeZone)
  const day = (days: number): number => startOf(reportedOn.add({ days }), timeZone)
  return { noticeFromAt: day(1), noticeDueAt: day(2), compensationFromAt: day(3), raisedCompensationFromAt: day(5) }
}

/** When the step is due, while the fault lasts. Epoch ms. */
export function stepAt(step: LegalStep, reportedAt: number, timeZone: string): number {
  return startOf(dayOf(reportedAt, timeZone).add({ days: step.day }), timeZone)
}

function dayOf(at: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate()
}

/** Its first moment; where summer time leaves midnight out, the day begins later. */
function startOf(day: Temporal.PlainDate, timeZone: string): number {
  return day.toZonedDateTime(timeZone).epochMilliseconds
}
