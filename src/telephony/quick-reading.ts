/**
 * The commonest events, read by their first letters, as Asterisk writes them
 * [22.10.1]. Each carries the whole channel, some 700 letters, of which little
 * more than its id is needed: parsing all of it was a twentieth of what a call
 * costs. What is written otherwise is not recognised here, and is read whole.
 */
import type { AriEvent } from './ari-events.ts'
import { LEG_ARGUMENT } from './command-calls.ts'

const CHANNEL_ID = String.raw`"channel":\{"id":"([^"\\]+)"`
const DIGIT = new RegExp(
  String.raw`^\{"type":"ChannelDtmfReceived","timestamp":"([^"\\]+)","digit":"([^"\\])","duration_ms":(\d{1,9}),${CHANNEL_ID}`,
)
/** Our own leg was answered: of who answered nothing is asked. */
const ANSWERED = new RegExp(String.raw`^\{"type":"StasisStart","timestamp":"[^"\\]+","args":\["${LEG_ARGUMENT}"\],${CHANNEL_ID}`)
const END = new RegExp(
  String.raw`^\{(?:"cause":\d+,)?(?:"soft":\w+,)?"type":"(?:ChannelHangupRequest|StasisEnd|ChannelDestroyed)","timestamp":"[^"\\]+",` +
    String.raw`(?:"cause":\d+,)?(?:"cause_txt":"[^"\\]*",)?(?:"tech_cause":\d+,)?${CHANNEL_ID}(,"name":"[^"\\]*","state":"Up")?`,
)

/** What the text tells, with the fields that are asked for; null: something else, or not written as expected. */
export function readQuickly(text: string): AriEvent | null {
  return readDigit(text) ?? readAnswered(text)
}

/** The leg of which this tells that it ends, and whether it was up; null: tells something else, or not as expected. */
export function readEnd(text: string): { leg: string; wasUp: boolean } | null {
  const match = END.exec(text)
  return match === null ? null : { leg: match[1]!, wasUp: match[2] !== undefined }
}

function readDigit(text: string): AriEvent | null {
  const match = DIGIT.exec(text)
  if (match === null) return null
  const [, timestamp, digit, durationMs, id] = match
  // Only a channel that is up hears digits.
  const channel = { id: id!, state: 'Up' }
  return { type: 'ChannelDtmfReceived', timestamp: timestamp!, digit: digit!, duration_ms: Number(durationMs), channel }
}

function readAnswered(text: string): AriEvent | null {
  const id = ANSWERED.exec(text)?.[1]
  return id === undefined ? null : { type: 'StasisStart', args: [LEG_ARGUMENT], channel: { id, state: 'Up' } }
}
