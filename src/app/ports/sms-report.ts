/**
 * What status SMS bring: how often people still ask how things stand, beside
 * the equally long time before. Each figure's formula is in docs/api.md.
 */

export type SmsReportRequest = {
  /** Epoch ms; `to` exclusive, and not later than `at`. */
  from: number
  to: number
  /** Days begin at its midnight (IANA). */
  timeZone: string
  /** Now. What can only be said a day later is not said of what is younger. */
  at: number
}

/** Percents are null where there is nothing to take them of. */
export type SmsReportTotals = {
  from: number
  to: number
  ticketsCreated: number
  /** Of these, those that somebody asked about. */
  ticketsAskedAbout: number
  ticketsAskedAboutPercent: number | null
  /** Calls and replies by people with an open ticket. */
  enquiries: number
  calls: number
  replies: number
  /** Of the replies, those that say STATUS and nothing else. */
  statusWords: number
  /** Of the calls, those that ended after an announcement, whatever it told: no agent, no voicemail. */
  callsEndedInformed: number
  statusMessages: number
  /** After which nobody called for a day. */
  statusMessagesWithoutCall: number
  statusMessagesWithoutCallPercent: number | null
  messagesSent: number
  messagesDelivered: number
  optOuts: number
  complaints: number
}

export type SmsReportFigure = Exclude<keyof SmsReportTotals, 'from' | 'to'>

/** `date` is ISO 8601. */
export type SmsReportDay = { date: string; enquiries: number; calls: number; replies: number; statusWords: number }

export type SmsReportTemplate = {
  template: string
  messages: number
  /** How many stand where; without those of which there are none. */
  states: Record<string, number>
  sent: number
  optOuts: number
  optOutPercent: number | null
  complaints: number
}

export type SmsReportRoute = {
  route: string
  sent: number
  delivered: number
  undeliverable: number
  expired: number
  failed: number
  /** Sent, with an end that is not known yet. */
  open: number
  /** Of those with an end. */
  deliveredPercent: number | null
  /** From leaving for the carrier to reaching the phone. */
  deliveryP50Ms: number | null
  deliveryP95Ms: number | null
}

export type SmsReport = {
  timeZone: string
  period: SmsReportTotals
  /** The equally long time before. */
  before: SmsReportTotals
  /** From `before` to `period`; null where there was nothing before. */
  changePercent: Record<SmsReportFigure, number | null>
  days: SmsReportDay[]
  templates: SmsReportTemplate[]
  routes: SmsReportRoute[]
}
