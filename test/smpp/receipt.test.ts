/** Delivery receipts, as carriers write them. */
import t from 'tap'
import { possibleIds } from '../../src/smpp/message-ids.ts'
import { readReceipt } from '../../src/smpp/receipt.ts'
import { receiptTime } from '../../src/smpp/smpp-time.ts'

const now = Date.UTC(2026, 2, 2, 8)
const asSent = { idForm: 'as_sent', receiptTimeZone: 'UTC' } as const

t.test('Appendix B to the letter', async (t) => {
  const text = 'id:0123456789 sub:001 dlvrd:001 submit date:2603020755 done date:2603020757 stat:DELIVRD err:000 text:Ihr Ticket ist erle'
  t.same(readReceipt(text, {}, asSent, now), {
    carrierIds: ['0123456789'],
    state: 'delivered',
    error: '000',
    doneAt: Date.UTC(2026, 2, 2, 7, 57),
  })
})

t.test('and as carriers write it', async (t) => {
  for (const [text, id, state, error, done] of [
    ['ID:7f-3_a STAT:UNDELIV ERR:27 DONE DATE:260302075700', '7f-3_a', 'undeliverable', '27', 0],
    ['id:a1 sub:1 dlvrd:0 submit date:202603020755 done date:202603020757 stat:EXPIRED err:1 Text:', 'a1', 'expired', '1', 0],
    ['id:a1 submit date:20260302075500 done date:20260302075700 stat:REJECTD err:0x1A', 'a1', 'rejected', '0x1A', 0],
    ['stat:ACCEPTD id:a1', 'a1', 'accepted', null, null],
    ['id:a1 stat:ENROUTE err:000', 'a1', 'enroute', '000', null],
    ['id:a1 stat:BUFFERED', 'a1', 'enroute', null, null],
    ['id:a1 stat:DELETED done date:gestern', 'a1', 'deleted', null, null],
    ['id:a1 stat:DELIVERED done_date:2603020757', 'a1', 'delivered', null, 0],
    ['id:a1 status:Failed', 'a1', 'undeliverable', null, null],
    ['id:a1 stat:UNKNOWN', 'a1', 'unknown', null, null],
    ['id:a1 stat:WHATEVER', 'a1', 'unknown', null, null],
    ['id:a1', 'a1', 'unknown', null, null],
  ] as const) {
    const doneAt = done === null ? null : Date.UTC(2026, 2, 2, 7, 57)
    t.same(readReceipt(text, {}, asSent, now), { carrierIds: [id], state, error, doneAt }, text)
  }
})

t.test("the customer's own text at its end is not mistaken for the receipt", async (t) => {
  const text = 'id:1 stat:UNDELIV err:5 text:id:2 stat:DELIVRD err:0'
  t.match(readReceipt(text, {}, asSent, now), { carrierIds: ['1'], state: 'undeliverable', error: '5' })
})

t.test('TLVs say it without any text, and are believed where both speak', async (t) => {
  const tlvs = { receipted_message_id: 'T1', message_state: 5, network_error_code: Buffer.of(3, 0, 27) }
  t.same(readReceipt('', tlvs, asSent, now), { carrierIds: ['T1'], state: 'undeliverable', error: '3/27', doneAt: null })
  t.match(readReceipt('id:t1 stat:DELIVRD err:000', tlvs, asSent, now), { carrierIds: ['T1', 't1'], state: 'undeliverable', error: '000' })
  const states = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255].map(
    (message_state) => readReceipt('', { receipted_message_id: 'x', message_state }, asSent, now)?.state,
  )
  t.same(states, [
    'enroute',
    'enroute',
    'delivered',
    'expired',
    'deleted',
    'undeliverable',
    'accepted',
    'unknown',
    'rejected',
    'unknown',
    'unknown',
  ])
})

t.test('one that does not say for which message is of no use', async (t) => {
  t.equal(readReceipt('stat:DELIVRD', {}, asSent, now), null)
  t.equal(readReceipt('', { message_state: 2, receipted_message_id: '' }, asSent, now), null)
})

t.test('hexadecimal here and decimal there, by route', async (t) => {
  t.same(possibleIds('12AB', 'as_sent'), ['12AB'])
  t.ok(possibleIds('4779', 'hex_to_decimal').includes('12AB'))
  t.ok(possibleIds('4779', 'hex_to_decimal').includes('12ab'))
  t.ok(possibleIds('0000004779', 'hex_to_decimal').includes('000012AB'), 'filled up with zeros')
  t.ok(possibleIds('12ab', 'decimal_to_hex').includes('4779'))
  t.ok(possibleIds('000012AB', 'decimal_to_hex').includes('0000004779'))
  t.ok(possibleIds('10', 'either').includes('a') && possibleIds('10', 'either').includes('16'))
  t.equal(possibleIds('10', 'either')[0], '10', 'as it came first')
  t.ok(possibleIds('18446744073709551615', 'hex_to_decimal').includes('ffffffffffffffff'), 'all 64 bits')
  t.same(possibleIds('not-a-number', 'either'), ['not-a-number'])
  t.same(possibleIds('9'.repeat(65), 'either'), ['9'.repeat(65)])
})

t.test('times have a zone only by route; twelve digits are read as what is nearer to now', async (t) => {
  t.equal(receiptTime('2603020757', 'Europe/Berlin', now), Date.UTC(2026, 2, 2, 6, 57))
  t.equal(receiptTime('260302075730', 'UTC', now), Date.UTC(2026, 2, 2, 7, 57, 30))
  t.equal(receiptTime('202603020757', 'UTC', now), Date.UTC(2026, 2, 2, 7, 57))
  for (const nonsense of ['', '26', '2613020757', '2602300757', '99999999999999'])
    t.equal(receiptTime(nonsense, 'UTC', now), null, nonsense)
})
