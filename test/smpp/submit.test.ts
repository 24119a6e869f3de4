/** From an encoded message to submit_sm: what a phone shows is decided here. */
import t from 'tap'
import type { EncodedMessage } from '../../src/app/ports/smsc.ts'
import { decodeText } from '../../src/domain/sms/decode.ts'
import { encodeText } from '../../src/domain/sms/segments.ts'
import { defaultLinkSettings, type LinkSettings } from '../../src/smpp/settings.ts'
import { submitFrames } from '../../src/smpp/submit.ts'
import { decodePdu, type Pdu } from '../../src/wire/smpp/pdu.ts'

const now = Date.UTC(2026, 2, 2, 8)
const threeParts = 'Ihr Ticket ist in Bearbeitung. '.repeat(13)

function message(text: string, changes: Partial<EncodedMessage> = {}, referenceBits: 8 | 16 = 8): EncodedMessage {
  const encoded = encodeText(text, { mostParts: 255, referenceBits })
  if (!encoded.ok) throw new Error(encoded.why)
  const { coding, parts } = encoded
  return { messageId: 'm', to: '+4917612345678', from: 'Stadtwerke', coding, parts, reference: 0x1234, validUntil: null, ...changes }
}

function submitted(each: EncodedMessage, settings: Partial<LinkSettings> = {}): Pdu<'submit_sm'>[] {
  const submittable = submitFrames(
    each,
    [...each.parts.keys()].map((part) => part + 1),
    { ...defaultLinkSettings, ...settings },
    now,
  )
  if (!submittable.ok) throw new Error(submittable.status)
  return submittable.frames.map(({ frame }) => {
    const decoded = decodePdu(frame)
    if (!decoded.ok) throw new Error(decoded.why)
    return decoded.pdu as Pdu<'submit_sm'>
  })
}

function refused(each: EncodedMessage, settings: Partial<LinkSettings> = {}): string | null {
  const submittable = submitFrames(each, [...each.parts.keys()], { ...defaultLinkSettings, ...settings }, now)
  return submittable.ok ? null : submittable.status
}

t.test('umlauts and the euro sign are GSM-7, labelled 0, and a receipt is asked for', async (t) => {
  const [pdu] = submitted(message('Grüße, 5 €'))
  t.match(pdu, {
    fields: {
      service_type: '',
      source_addr_ton: 5,
      source_addr_npi: 0,
      source_addr: 'Stadtwerke',
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: '4917612345678',
      esm_class: 0,
      protocol_id: 0,
      priority_flag: 0,
      schedule_delivery_time: '',
      validity_period: '',
      registered_delivery: 1,
      replace_if_present_flag: 0,
      data_coding: 0,
      sm_default_msg_id: 0,
    },
  })
  t.same([...pdu!.fields.short_message], [...Buffer.from('G'), 0x72, 0x7e, 0x1e, 0x65, 0x2c, 0x20, 0x35, 0x20, 0x1b, 0x65])
})

t.test('emoji and Arabic are UCS-2, labelled 8, with their surrogates', async (t) => {
  const [pdu] = submitted(message('👍 شكرا'))
  t.equal(pdu!.fields.data_coding, 8)
  t.same(Buffer.from(pdu!.fields.short_message).swap16().toString('utf16le'), '👍 شكرا')
})

t.test('senders: a name, a short code, a number', async (t) => {
  const source = (from: string) => {
    const { source_addr_ton, source_addr_npi, source_addr } = submitted(message('x', { from }))[0]!.fields
    return [source_addr_ton, source_addr_npi, source_addr]
  }
  t.same(source('Stadtwerk 1'), [5, 0, 'Stadtwerk 1'])
  t.same(source('72345'), [3, 0, '72345'])
  t.same(source('+4915155555'), [1, 1, '4915155555'])
})

t.test('what must not go on the wire is refused as the carrier would', async (t) => {
  for (const to of ['017612345678', '4917612345678', '+49176\u00001', '', '+', '+49176123456789012', 'Stadtwerke', '+49 176 123'])
    t.equal(refused(message('x', { to })), 'ESME_RINVDSTADR', JSON.stringify(to))
  for (const from of ['', 'Zwölf', 'Zu langer Name', 'A\u0000B', '12', '123456789', '+12'])
    t.equal(refused(message('x', { from })), 'ESME_RINVSRCADR', JSON.stringify(from))
  t.equal(refused(message('x', { validUntil: now })), 'ESME_RINVEXPIRY')
})

t.test('each part has a header with an 8-bit reference, or with a 16-bit one', async (t) => {
  const eight = submitted(message(threeParts))
  t.same(
    eight.map(({ sequence, fields: { esm_class, short_message } }) => [sequence, esm_class, short_message.toString('hex', 0, 6)]),
    [
      [1, 0x40, '050003340301'],
      [2, 0x40, '050003340302'],
      [3, 0x40, '050003340303'],
    ],
  )
  t.equal(eight[0]!.fields.short_message.length, 6 + 153)
  const sixteen = submitted(message(threeParts, {}, 16), { concatenation: 'udh16' })
  t.same(
    sixteen.map(({ fields: { esm_class, short_message } }) => [esm_class, short_message.toString('hex', 0, 7)]),
    [
      [0x40, '06080412340301'],
      [0x40, '06080412340302'],
      [0x40, '06080412340303'],
    ],
  )
  const text = eight.map(({ fields }) => decodeText(fields.short_message.subarray(6), 'gsm7')).join('')
  t.equal(text, threeParts)
})

t.test('or the carrier makes the header: from SAR TLVs, or of one message_payload', async (t) => {
  const sar = submitted(message(threeParts, {}, 16), { concatenation: 'sar' })
  t.same(
    sar.map(({ tlvs }) => tlvs),
    [1, 2, 3].map((part) => ({ sar_msg_ref_num: 0x1234, sar_total_segments: 3, sar_segment_seqnum: part })),
  )
  t.ok(sar.every(({ fields }) => fields.esm_class === 0))
  const whole = message(threeParts, {}, 16)
  const payload = submitFrames(whole, [7, 8, 9], { ...defaultLinkSettings, concatenation: 'payload' }, now)
  t.match(payload, { ok: true, frames: [{ sequence: 7, parts: [0, 1, 2] }] })
  const [pdu] = submitted(whole, { concatenation: 'payload' })
  t.equal(pdu!.fields.short_message.length, 0)
  t.equal(decodeText(pdu!.tlvs.message_payload!, 'gsm7'), threeParts)
})

t.test('what is left of a message whose other parts the carrier has: their headers still count all', async (t) => {
  const left = submitFrames(message(threeParts, { only: [0, 2] }), [7, 8], defaultLinkSettings, now)
  t.ok(left.ok)
  if (!left.ok) return
  t.same(
    left.frames.map(({ sequence, parts }) => [sequence, parts]),
    [
      [7, [0]],
      [8, [2]],
    ],
  )
  t.same(
    submitted(message(threeParts, { only: [0, 2] })).map(({ fields }) => fields.short_message.toString('hex', 0, 6)),
    ['050003340301', '050003340303'],
  )
  const payload = submitted(message(threeParts, { only: [2] }), { concatenation: 'payload' })
  t.match(payload, [{ fields: { esm_class: 0x40 }, tlvs: {} }], 'no payload without the others')
})

t.test('a single part has no header, whatever the route', async (t) => {
  for (const concatenation of ['udh8', 'udh16', 'sar', 'payload'] as const) {
    const [pdu] = submitted(message('kurz'), { concatenation })
    t.equal(pdu!.fields.esm_class, 0)
    t.same(pdu!.tlvs, {})
    t.equal(pdu!.fields.short_message.toString(), 'kurz')
  }
})

t.test('a part that was cut for a shorter header than its route writes is not sent to be cut again', async (t) => {
  t.equal(refused(message(threeParts), { concatenation: 'udh16' }), 'ESME_RINVMSGLEN')
  t.equal(refused(message('ж'.repeat(150)), { concatenation: 'udh16' }), 'ESME_RINVMSGLEN')
  t.equal(refused(message('ж'.repeat(150), {}, 16), { concatenation: 'udh16' }), null)
  const tooLong = { ...message('x'), parts: [new Uint8Array(161)] }
  t.equal(refused(tooLong), 'ESME_RINVMSGLEN')
})

t.test('validity ends with the delivery window: from now on, or at a time', async (t) => {
  const validUntil = now + 12 * 3600_000 + 61_000
  const validity = (settings: Partial<LinkSettings>, until = validUntil) =>
    submitted(message('x', { validUntil: until }), settings)[0]!.fields.validity_period
  t.equal(validity({}), '000000120101000R')
  t.equal(validity({ validity: 'absolute' }), '260302200101000+')
  t.equal(validity({}, now + 90 * 24 * 3600_000), '000030000000000R', 'and 30 days at most')
})

t.test('a carrier whose default alphabet is Latin-1 gets Latin-1, and nothing that is not in it', async (t) => {
  const [pdu] = submitted(message('Grüße {1}'), { sourceEncoding: 'latin1' })
  t.equal(pdu!.fields.data_coding, 0)
  t.equal(pdu!.fields.short_message.toString('latin1'), 'Grüße {1}')
  t.equal(refused(message('5 €'), { sourceEncoding: 'latin1' }), 'ESME_RINVDCS')
})
