/** Receipts and replies: stored, then acknowledged. */
import t from 'tap'
import { statuses } from '../../src/wire/smpp/constants.ts'
import { until } from '../support/until.ts'
import { Carrier } from './support/carrier.ts'
import { TestLink } from './support/link.ts'

function reply(sequence: number) {
  return {
    command: 'deliver_sm',
    sequence,
    fields: {
      source_addr_ton: 1,
      source_addr: '4917612345678',
      destination_addr: '72345',
      data_coding: 0,
      short_message: Buffer.from('Danke'),
    },
  } as const
}

t.test('acknowledged once it was taken, not before', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  await link.lane()
  const stored = Promise.withResolvers<void>()
  link.take = () => stored.promise
  connection.send(reply(1))
  await until('it to come', () => link.incoming.length === 1)
  connection.send({ command: 'enquire_link', sequence: 2 })
  await connection.next('enquire_link_resp')
  t.same(connection.of('deliver_sm_resp'), [])
  stored.resolve()
  t.match(await connection.next('deliver_sm_resp'), { sequence: 1, status: statuses.ESME_ROK })
})

t.test('a store that is away: the carrier keeps it and sends it again', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  await link.lane()
  link.take = () => Promise.reject(new Error('no connection to Postgres'))
  connection.send(reply(1))
  t.match(await connection.next('deliver_sm_resp'), { status: statuses.ESME_RX_T_APPN })
})

t.test('one that is never taken is answered all the same, within the time of an answer', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier, { responseTimeoutMs: 100 })
  const connection = await carrier.connection()
  await link.lane()
  link.take = () => new Promise(() => {})
  connection.send(reply(1))
  t.match(await connection.next('deliver_sm_resp'), { sequence: 1, status: statuses.ESME_RX_T_APPN })
})

t.test('a flood while the store is away is refused beyond a thousand, and memory with it', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  await link.lane()
  const stored = Promise.withResolvers<void>()
  link.take = () => stored.promise
  for (let i = 0; i < 1500; i++) connection.send(reply(i))
  await until('500 to be refused', () => connection.of('deliver_sm_resp').length === 500)
  t.ok(connection.of('deliver_sm_resp').every(({ status }) => status === statuses.ESME_RX_T_APPN))
  t.equal(link.incoming.length, 1000)
  stored.resolve()
  await until('the others to be answered', () => connection.of('deliver_sm_resp').length === 1500)
})

t.test('nobody there to take it', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  link.smsc.onIncoming(async () => {
    throw new Error('not yet')
  })
  const connection = await carrier.connection()
  await link.lane()
  connection.send(reply(1))
  t.match(await connection.next('deliver_sm_resp'), { status: statuses.ESME_RX_T_APPN })
})

t.test('a receipt that comes before the answer to its submit_sm, in one packet', async (t) => {
  const carrier = await Carrier.start(t, { submit: () => null })
  const link = TestLink.open(t, carrier)
  const { reservation } = await link.send('Ihr Ticket ist erledigt.')
  const connection = await carrier.connection()
  await connection.next('submit_sm')
  connection.socket.cork()
  connection.send({
    ...reply(1),
    fields: { ...reply(1).fields, esm_class: 4, short_message: Buffer.from('id:early stat:DELIVRD err:000') },
  })
  connection.send({ command: 'submit_sm_resp', sequence: reservation.sequence, fields: { message_id: 'early' } })
  connection.socket.uncork()
  t.match(await link.result(), { is: 'accepted', carrierId: 'early' })
  await connection.next('deliver_sm_resp')
  t.match(link.incoming, [{ kind: 'receipt', carrierIds: ['early'], state: 'delivered' }])
})

t.test('closing answers what is in hand', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  await link.lane()
  const stored = Promise.withResolvers<void>()
  link.take = () => stored.promise
  connection.send(reply(1))
  await until('it to come', () => link.incoming.length === 1)
  const closing = link.smsc.close()
  stored.resolve()
  await closing
  t.match(connection.of('deliver_sm_resp'), [{ sequence: 1, status: statuses.ESME_ROK }])
})

t.test('a receipt of which nobody can say whose it is, is counted and does not come again', async (t) => {
  const carrier = await Carrier.start(t)
  const link = TestLink.open(t, carrier)
  const connection = await carrier.connection()
  await link.lane()
  connection.send({ ...reply(1), fields: { ...reply(1).fields, esm_class: 4 } })
  t.match(await connection.next('deliver_sm_resp'), { status: statuses.ESME_ROK })
  t.same(link.incoming, [])
  t.match(link.smsc.faults, [{ kind: 'illegible_receipt', count: 1 }])
})
