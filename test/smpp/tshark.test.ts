/** What Wireshark makes of our octets: the oracle for fields, data_coding, headers and letters. */
import t, { type Test } from 'tap'
import { gsm7Characters } from '../../src/domain/sms/gsm7.ts'
import type { LinkSettings } from '../../src/smpp/settings.ts'
import { until } from '../support/until.ts'
import { Carrier } from './support/carrier.ts'
import { dissect, type Dissected } from './support/dissect.ts'
import { TestLink } from './support/link.ts'

const german = 'Grüße [Köln], Ihr Ticket für den Anschluß kostet 5 €. '
const FIELDS = [
  'smpp.command_id',
  'smpp.command_status',
  'smpp.sequence_number',
  'smpp.service_type',
  'smpp.source_addr_ton',
  'smpp.source_addr_npi',
  'smpp.source_addr',
  'smpp.dest_addr_ton',
  'smpp.dest_addr_npi',
  'smpp.destination_addr',
  'smpp.esm.submit.msg_mode',
  'smpp.esm.submit.msg_type',
  'smpp.esm.submit.features',
  'smpp.validity_period',
  'smpp.validity_period_r',
  'smpp.regdel.receipt',
  'smpp.data_coding',
  'smpp.sm_length',
  'smpp.message_text',
  'smpp.message',
  'smpp.message_payload',
  'smpp.sar_msg_ref_num',
  'smpp.sar_total_segments',
  'smpp.sar_segment_seqnum',
  'gsm_sms.ie_identifier',
  'gsm_sms.udh.mm.msg_id',
  'gsm_sms.udh.mm.msg_parts',
  'gsm_sms.udh.mm.msg_part',
  'smpp.system_id',
  'smpp.interface_version',
]

/** What the carrier received of us for these texts, as tshark sees it: submit_sm only. */
async function submitted(t: Test, texts: readonly string[], settings: Partial<LinkSettings> = {}, changes = {}): Promise<Dissected[]> {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, settings)
  let parts = 0
  for (const text of texts) {
    const { reservation } = await link.send(text, changes)
    parts += reservation.parts
  }
  await until('all answers', () => link.results.length === parts)
  const seen = await dissect(carrier.connections[0]!.frames, FIELDS)
  t.notOk(
    seen.some((pdu) => '_ws.malformed' in pdu || '_ws.expert.message' in pdu),
    'nothing is malformed',
  )
  return seen.filter((pdu) => pdu['smpp.command_id']![0] === '0x00000004')
}

/** Texts with a character that Wireshark shows in its own way are compared by their octets. */
function utf16(text: string): string[] {
  return [Buffer.from(text, 'utf16le').swap16().toString('hex')]
}

t.test('every letter of the GSM alphabet is the letter that was meant', async (t) => {
  const letters = gsm7Characters.filter((letter) => !'\f\r'.includes(letter))
  const lines: string[] = []
  for (let at = 0; at < letters.length; at += 60) lines.push(`a${letters.slice(at, at + 60).join('')}z`)
  const seen = await submitted(t, lines)
  t.same(
    seen.map((pdu) => pdu['smpp.message_text']),
    lines.map((line) => [line]),
  )
  t.ok(seen.every((pdu) => pdu['smpp.data_coding']![0] === '0x00'))
})

t.test('the fields of a short message', async (t) => {
  const [pdu] = await submitted(t, [german], { serviceType: 'CMT' })
  t.match(pdu, {
    'smpp.service_type': ['CMT'],
    'smpp.source_addr_ton': ['0x05'],
    'smpp.source_addr_npi': ['0x00'],
    'smpp.source_addr': ['Stadtwerke'],
    'smpp.dest_addr_ton': ['0x01'],
    'smpp.dest_addr_npi': ['0x01'],
    'smpp.destination_addr': ['4917612345678'],
    'smpp.esm.submit.msg_mode': ['0x00'],
    'smpp.esm.submit.msg_type': ['0x00'],
    'smpp.esm.submit.features': ['0x00'],
    'smpp.regdel.receipt': ['0x01'],
    'smpp.data_coding': ['0x00'],
    'smpp.message_text': [german],
  })
})

t.test('Cyrillic and emoji are UCS-2', async (t) => {
  const seen = await submitted(t, ['Ваш запрос выполнен', 'Да 👍'])
  t.same(
    seen.map((pdu) => pdu['smpp.data_coding']),
    [['0x08'], ['0x08']],
  )
  t.same(seen[0]!['smpp.message_text'], ['Ваш запрос выполнен'])
  t.same(seen[1]!['smpp.message'], utf16('Да 👍'))
})

for (const [concatenation, identifier, reference] of [
  ['udh8', '0x00', '52'],
  ['udh16', '0x08', '4660'],
] as const) {
  t.test(`${concatenation}: a header in each part, no pair of septets parted`, async (t) => {
    const long = german.repeat(8)
    const seen = await submitted(t, [long, 'Да 👍 '.repeat(30)], { concatenation })
    for (const pdu of seen)
      t.match(pdu, {
        'smpp.esm.submit.features': ['0x01'],
        'gsm_sms.ie_identifier': [identifier],
        'gsm_sms.udh.mm.msg_id': [reference],
        'smpp.regdel.receipt': ['0x01'],
      })
    const gsm = seen.filter((pdu) => pdu['smpp.data_coding']![0] === '0x00')
    t.equal(gsm.map((pdu) => pdu['smpp.message_text']![0]).join(''), long)
    t.same(
      gsm.map((pdu) => [pdu['gsm_sms.udh.mm.msg_part']![0], pdu['gsm_sms.udh.mm.msg_parts']![0]]),
      gsm.map((_, index) => [String(index + 1), String(gsm.length)]),
    )
    const numbers = seen.map((pdu) => Number(pdu['smpp.sequence_number']![0]))
    t.same(
      numbers,
      numbers.map((_, index) => numbers[0]! + index),
      'in order',
    )
  })
}

t.test('SAR TLVs and message_payload', async (t) => {
  const long = german.repeat(8)
  const sar = await submitted(t, [long], { concatenation: 'sar' })
  t.equal(sar.map((pdu) => pdu['smpp.message_text']![0]).join(''), long)
  for (const [index, pdu] of sar.entries())
    t.match(pdu, {
      'smpp.esm.submit.features': ['0x00'],
      'smpp.sar_msg_ref_num': ['4660'],
      'smpp.sar_total_segments': [String(sar.length)],
      'smpp.sar_segment_seqnum': [String(index + 1)],
    })
  const [payload] = await submitted(t, [long], { concatenation: 'payload' })
  t.match(payload, { 'smpp.sm_length': ['0'], 'smpp.message_text': [long] })
})

t.test('validity, relative and absolute', async (t) => {
  const validUntil = Date.UTC(2099, 5, 30, 18)
  const [absolute] = await submitted(t, ['x'], { validity: 'absolute' }, { validUntil: Date.UTC(2037, 5, 30, 18) })
  t.match(absolute!['smpp.validity_period'], [/Jun 30, 2037 18:00:00\.0+ UTC/])
  const [relative] = await submitted(t, ['x'], { validity: 'relative' }, { validUntil })
  t.equal(Number(relative!['smpp.validity_period_r']![0]), 30 * 24 * 3600)
})

t.test('all that a session says beside messages', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { enquireLinkMs: 50 })
  const connection = await carrier.connection()
  await link.lane()
  connection.send({ command: 'enquire_link', sequence: 1 })
  connection.send({ command: 'deliver_sm', sequence: 2, fields: { destination_addr: '', data_coding: 0, short_message: Buffer.from('x') } })
  connection.send({ command: 'data_sm', sequence: 3, fields: { destination_addr: '', data_coding: 0 } })
  connection.send({ command: 'query_sm', sequence: 4, fields: { message_id: 'x' } })
  await connection.next('generic_nack')
  await connection.next('data_sm_resp')
  await connection.next('enquire_link')
  await link.smsc.close()
  const seen = await dissect(connection.frames, FIELDS)
  t.notOk(seen.some((pdu) => '_ws.malformed' in pdu || '_ws.expert.message' in pdu))
  t.match(seen[0], { 'smpp.command_id': ['0x00000009'], 'smpp.system_id': ['pforte'], 'smpp.interface_version': ['52'] })
  const commands = new Set(seen.map((pdu) => pdu['smpp.command_id']![0]))
  for (const id of ['0x00000009', '0x80000015', '0x80000005', '0x80000103', '0x80000000', '0x00000015', '0x00000006'])
    t.ok(commands.has(id), id)
})
