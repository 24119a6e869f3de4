/**
 * The commonest events, read by their first letters, as Asterisk writes them
 * [22.10.1]. Each carries the whole channel, some 700 letters, of which these
 * two need its id: parsing all of it was a twentieth of what a call costs.
 * What is written otherwise is not recognised here, and is read whole.
 */

const CHANNEL_ID = String.raw`"channel":\{"id":"([^"\\]+)"`
const DIGIT = new RegExp(
  String.raw`^\{"type":"ChannelDtmfReceived","timestamp":"([^"\\]+)","digit":"([^"\\])","duration_ms":(\d{1,9}),${CHANNEL_ID}`,
)
const END = new RegExp(
  String.raw`^\{(?:"cause":\d+,)?(?:"soft":\w+,)?"type":"(?:ChannelHangupRequest|StasisEnd|ChannelDestroyed)","timestamp":"[^"\\]+",` +
    String.raw`(?:"cause":\d+,)?(?:"cause_txt":"[^"\\]*",)?(?:"tech_cause":\d+,)?${CHANNEL_ID}`,
)

export type Digit = {
  type: 'ChannelDtmfReceived'
  timestamp: string
  digit: string
  duration_ms: number
  channel: { id: string; state: string }
}

/** Null: not a digit, or not written as expected. */
export function readDigit(text: string): Digit | null {
  const match = DIGIT.exec(text)
  if (match === null) return null
  const [, timestamp, digit, durationMs, id] = match
  // Only a channel that is up hears digits.
  return {
    type: 'ChannelDtmfReceived',
    timestamp: timestamp!,
    digit: digit!,
    duration_ms: Number(durationMs),
    channel: { id: id!, state: 'Up' },
  }
}

/** The leg of which this tells that it ends; null: tells something else, or not as expected. */
export function readEndedLeg(text: string): string | null {
  return END.exec(text)?.[1] ?? null
}
