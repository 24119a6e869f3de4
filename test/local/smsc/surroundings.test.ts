/** The simulator over TLS, in a process of its own, and in numbers. */
import t from 'tap'
import { ForkedSimulator } from '../../../src/local/smsc/fork.ts'
import { startSimulator } from '../../../src/local/smsc/simulator.ts'
import { certificate } from '../../support/certificate.ts'
import { RawEsme } from './raw-esme.ts'

const anna = '+4915112345678'

t.test('with a certificate it speaks TLS', async (t) => {
  const authority = certificate()
  const { key, cert } = certificate({ names: ['127.0.0.1'], by: authority })
  const smsc = await startSimulator({ tls: { key, cert } })
  t.match(smsc.url, /^ssmpp:/)
  const esme = await RawEsme.connect(smsc.url, authority.cert)
  await esme.bind(smsc.url)
  esme.submit(anna, 'Hallo')
  await esme.next('submit_sm_resp')
  t.match(smsc.inbox(anna), [{ text: 'Hallo' }])
  smsc.faults({ kind: 'disconnect', how: 'rst', when: 'now' })
  await esme.closed
  await t.rejects(RawEsme.connect(smsc.url), 'whoever does not know the certificate does not come in')
  await smsc.close()
})

t.test('in a process of its own it does the same', async (t) => {
  const smsc = await ForkedSimulator.start({ accounts: [{ user: 'pforte', password: 'p/w' }] })
  t.teardown(() => smsc.close())
  const esme = await RawEsme.bound(smsc.url)
  esme.submit(anna, 'Hallo')
  await esme.next('submit_sm_resp')
  await esme.next('deliver_sm')
  t.match(await smsc.inbox(anna), [{ from: 'Pforte', text: 'Hallo' }])
  t.match(await smsc.reply({ from: anna, to: '81000', text: 'Danke' }), [{ acknowledged: true }])
  t.match((await esme.next('deliver_sm')).fields, { short_message: Buffer.from('Danke') })
  await smsc.faults({ kind: 'throttle' })
  esme.submit(anna, 'Hallo')
  t.equal((await esme.next('submit_sm_resp')).status, 0x58)
  await smsc.clearFaults()
  t.match(await smsc.counts(), { bound: 1, submitted: 2, accepted: 1, shown: 1, memoryBytes: Number, cpuMs: Number })
  esme.end()
})

t.test('accounts are their own: receipts and answers come to the one that they are for', async (t) => {
  const smsc = await startSimulator({
    accounts: [
      { user: 'one', password: '1' },
      { user: 'two', password: '2' },
    ],
  })
  const one = await RawEsme.bound(smsc.urlOf('one'))
  const two = await RawEsme.bound(smsc.urlOf('two'))
  two.submit(anna, 'Hallo')
  await two.next('submit_sm_resp')
  await two.next('deliver_sm')
  await smsc.reply({ from: anna, to: '81000', text: 'for one' })
  await smsc.reply({ from: anna, to: '81000', text: 'for two', account: 'two' })
  t.match((await one.next('deliver_sm')).fields, { short_message: Buffer.from('for one') })
  t.match((await two.next('deliver_sm')).fields, { short_message: Buffer.from('for two') })
  for (const esme of [one, two]) esme.end()
  await smsc.close()
})

t.test('several binds of one account share what is delivered', async (t) => {
  const smsc = await startSimulator({ deliverWindow: 1 })
  const binds = [await RawEsme.bound(smsc.url), await RawEsme.bound(smsc.url)]
  for (const bind of binds) bind.acknowledges = false
  void smsc.reply({ from: anna, to: '81000', text: 'a' })
  void smsc.reply({ from: anna, to: '81000', text: 'b' })
  void smsc.reply({ from: anna, to: '81000', text: 'c' })
  const came = [await binds[0]!.next('deliver_sm'), await binds[1]!.next('deliver_sm')]
  t.same(came.map(({ fields }) => fields.short_message.toString()).toSorted(), ['a', 'b'])
  t.equal(smsc.counts.waiting, 1, 'no more than the window is on the wire')
  for (const bind of binds) bind.socket.destroy()
  await smsc.close()
})
