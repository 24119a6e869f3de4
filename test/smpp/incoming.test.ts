/** What customers and carriers send us, in whatever wrapping. */
import t from 'tap'
import { readIncoming } from '../../src/smpp/incoming.ts'
import { defaultLinkSettings } from '../../src/smpp/settings.ts'
import { decodePdu, encodePdu, type Draft, type Pdu } from '../../src/wire/smpp/pdu.ts'
import type { Tlvs } from '../../src/wire/smpp/tlvs.ts'

const now = Date.UTC(2026, 2, 2, 8)
type Fields = Partial<Draft<'deliver_sm'>['fields']>

function incoming(fields: Fields, tlvs: Tlvs = {}, settings = {}) {
  const written = encodePdu({
    command: 'deliver_sm',
    sequence: 1,
    fields: {
      source_addr_ton: 1,
      source_addr: '4917612345678',
      destination_addr: '72345',
      data_coding: 0,
      short_message: Buffer.alloc(0),
      ...fields,
    },
    tlvs,
  })
  const decoded = decodePdu(written)
  if (!decoded.ok) throw new Error(decoded.why)
  return readIncoming(decoded.pdu as Pdu<'deliver_sm'>, 'route', { ...defaultLinkSettings, ...settings }, now)
}

function text(data_coding: number, short_message: Buffer, settings = {}): string {
  const { incoming: read } = incoming({ data_coding, short_message }, {}, settings)
  if (read?.kind !== 'reply') throw new Error('no reply')
  return read.text
}

t.test('a reply', async (t) => {
  t.same(incoming({ short_message: Buffer.from([0x47, 0x72, 0x7e, 0x1e, 0x65, 0x1b, 0x65]) }), {
    incoming: { kind: 'reply', route: 'route', from: '+4917612345678', to: '72345', text: 'Grüße€', concatenation: null },
    fault: null,
  })
})

t.test('one decoder for every data_coding', async (t) => {
  const latin1 = Buffer.from('Grüße', 'latin1')
  const ucs2 = Buffer.from('Grüße 👍', 'utf16le').swap16()
  t.equal(text(0, Buffer.of(0x00)), '@')
  t.equal(text(0, latin1, { sourceEncoding: 'latin1' }), 'Grüße')
  t.equal(text(1, Buffer.from('a_b')), 'a_b', 'IA5 is no GSM-7')
  t.equal(text(3, latin1), 'Grüße')
  t.equal(text(8, ucs2), 'Grüße 👍')
  t.equal(text(4, Buffer.from('Grüße 👍')), 'Grüße 👍', 'binary that is UTF-8')
  t.equal(text(2, latin1), 'Grüße', 'binary that is Latin-1')
  t.equal(text(4, Buffer.of(0, 1, 0xfe)), '0001fe', 'binary that is none')
  t.equal(text(6, Buffer.of(0xb4, 0xd0)), 'Да', 'ISO 8859-5')
  t.equal(text(0xf0, Buffer.of(0x00)), '@', 'GSM-7 with a class')
  t.equal(text(0x18, ucs2), 'Grüße 👍', 'UCS-2 with a class')
  t.equal(text(0xf4, Buffer.from('ja')), 'ja')
  for (const empty of [0, 1, 2, 3, 4, 8, 0xf0, 0xff]) t.equal(text(empty, Buffer.alloc(0)), '', `nothing in ${empty}`)
  for (let coding = 0; coding < 256; coding++) t.type(text(coding, Buffer.of(0x1b, 0xd8, 0xff, 0x00, 0x80)), 'string')
})

t.test('a long one in message_payload', async (t) => {
  const long = 'Guten Tag. '.repeat(40)
  t.match(incoming({}, { message_payload: Buffer.from(long) }), { incoming: { text: long } })
})

t.test('data_sm carries the same', async (t) => {
  const written = encodePdu({
    command: 'data_sm',
    sequence: 1,
    fields: { source_addr_ton: 1, source_addr: '4917612345678', destination_addr: '72345', data_coding: 0 },
    tlvs: { message_payload: Buffer.from('Danke') },
  })
  const decoded = decodePdu(written)
  t.ok(decoded.ok)
  if (decoded.ok) t.match(readIncoming(decoded.pdu as Pdu<'data_sm'>, 'r', defaultLinkSettings, now), { incoming: { text: 'Danke' } })
})

t.test('parts of a long reply: by header with 8 or 16 bits, or by SAR TLVs', async (t) => {
  const part = (header: string, body = 'Hallo') =>
    incoming({ esm_class: 0x40, short_message: Buffer.concat([Buffer.from(header, 'hex'), Buffer.from(body)]) })
  t.match(part('050003070201'), { incoming: { text: 'Hallo', concatenation: { reference: 7, part: 1, of: 2 } }, fault: null })
  t.match(part('06080401070302'), { incoming: { text: 'Hallo', concatenation: { reference: 0x107, part: 2, of: 3 } } })
  t.match(
    part('0b05040b8423f00003090202'),
    { incoming: { text: 'Hallo', concatenation: { reference: 9, part: 2, of: 2 } } },
    'among others',
  )
  t.match(incoming({ short_message: Buffer.from('Hallo') }, { sar_msg_ref_num: 500, sar_segment_seqnum: 2, sar_total_segments: 2 }), {
    incoming: { text: 'Hallo', concatenation: { reference: 500, part: 2, of: 2 } },
  })
  const half = incoming({ esm_class: 0x40, short_message: Buffer.from('050003070201471b', 'hex') })
  t.match(half, { incoming: { text: 'G\u001b' } }, 'an escape at its end waits for the next part')
})

t.test('headers that make no sense cost no text', async (t) => {
  const odd = (hex: string) => incoming({ esm_class: 0x40, short_message: Buffer.from(hex, 'hex') })
  t.match(odd('ff4142'), { fault: 'bad_user_data_header', incoming: { concatenation: null } }, 'longer than the message')
  t.match(odd('0400034141'), { fault: 'bad_user_data_header' }, 'an element longer than the header')
  t.match(odd(''), { fault: 'bad_user_data_header', incoming: { text: '' } })
  t.match(odd('0500030700014142'), { fault: null, incoming: { text: 'AB', concatenation: null } }, 'none of none')
  t.match(odd('0500030702034142'), { fault: null, incoming: { text: 'AB', concatenation: null } }, 'three of two')
  t.match(odd('004142'), { fault: null, incoming: { text: 'AB', concatenation: null } }, 'an empty header')
})

t.test('a receipt by its esm_class, or by a TLV; never because a customer wrote what looks like one', async (t) => {
  const short_message = Buffer.from('id:a_1 sub:001 stat:DELIVRD err:000 text:')
  t.match(incoming({ esm_class: 0x04, short_message }), {
    incoming: { kind: 'receipt', route: 'route', carrierIds: ['a_1'], state: 'delivered' },
  })
  t.match(incoming({ esm_class: 0x20, short_message: Buffer.from('id:a stat:ENROUTE') }), {
    incoming: { kind: 'receipt', state: 'enroute' },
  })
  t.match(incoming({}, { receipted_message_id: 'a', message_state: 2 }), { incoming: { kind: 'receipt', carrierIds: ['a'] } })
  t.match(incoming({ esm_class: 0x44, short_message: Buffer.concat([Buffer.of(0), short_message]) }), { incoming: { kind: 'receipt' } })
  t.match(incoming({ short_message }), { incoming: { kind: 'reply' } })
  t.same(incoming({ esm_class: 0x04, short_message: Buffer.from('?') }), { incoming: null, fault: 'illegible_receipt' })
})

t.test('numbers are E.164 where that can be told', async (t) => {
  const from = (source_addr_ton: number, source_addr: string) =>
    (incoming({ source_addr_ton, source_addr }).incoming as { from: string }).from
  t.equal(from(1, '4917612345678'), '+4917612345678')
  t.equal(from(1, '+4917612345678'), '+4917612345678')
  t.equal(from(0, '004917612345678'), '+4917612345678')
  t.equal(from(0, '4917612345678'), '+4917612345678')
  t.equal(from(2, '017612345678'), '017612345678')
  t.equal(from(0, '72345'), '72345')
  t.equal(from(5, 'Telekom'), 'Telekom')
  t.equal(from(1, ''), '')
})
