/** The simulator and a gateway that we did not write: Kannel, in production at carriers for twenty years. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { Mailbox } from '../../../src/local/smsc/mailbox.ts'
import { startSimulator } from '../../../src/local/smsc/simulator.ts'
import { Kannel } from '../../support/kannel.ts'

const anna = '+4915112345678'
const smsc = await startSimulator()
const reported = new Mailbox<URLSearchParams>('a report of Kannel')
const reports = createServer((request, response) => {
  reported.put(new URL(request.url ?? '/', 'http://localhost').searchParams)
  response.end()
}).listen(0, '127.0.0.1')
await once(reports, 'listening')
const reportUrl = `http://127.0.0.1:${(reports.address() as AddressInfo).port}/`
const kannel = await Kannel.start({ smscUrl: smsc.url, answersTo: reportUrl, spool: true, maxPendingSubmits: 100 })
t.teardown(async () => {
  await kannel.stop()
  reports.close()
  await smsc.close()
})
const phone = smsc.phone(anna)

t.test('what Kannel is given shows on the phone, in both alphabets, short and long', async (t) => {
  for (const [text, more, parts] of [
    ['Grüße, 5 €', {}, 1],
    ['Größe in € '.repeat(28).trim(), {}, 3],
    ['Шестьдесят семь 😀'.repeat(8), { coding: '2' }, 3],
  ] as const) {
    t.match(await kannel.send({ to: anna, from: 'Kannel', text, ...more }), '0: Accepted')
    t.match(await phone.next(), { from: 'Kannel', to: anna, text, parts })
  }
})

t.test('Kannel finds the message of each receipt', async (t) => {
  const receiptsWanted = '3'
  const send = (text: string): Promise<string> =>
    kannel.send({ to: anna, from: 'Kannel', text, 'dlr-mask': receiptsWanted, 'dlr-url': `${reportUrl}?receipt=%d&of=${text}` })
  await send('delivered')
  t.same(Object.fromEntries(await reported.next()), { receipt: '1', of: 'delivered' })
  smsc.faults({ kind: 'receipts', states: ['UNDELIVERABLE'], error: '034', next: 1 })
  await send('failed')
  t.same(Object.fromEntries(await reported.next()), { receipt: '2', of: 'failed' })
})

t.test('what a phone sends comes out of Kannel, put together', async (t) => {
  const text = 'Größe in € '.repeat(28).trim()
  t.match(await smsc.reply({ from: anna, to: '81000', text }), [{ acknowledged: true }, { acknowledged: true }, { acknowledged: true }])
  t.match(Object.fromEntries(await reported.next()), { from: anna, to: '81000', coding: '0', text })
  await smsc.reply({ from: anna, to: '81000', text: 'Добрый 😀' })
  const wide = await reported.next()
  t.equal(wide.get('coding'), '2')
})

t.test('Kannel comes again after a cut in the middle of a response, and the message is not lost', async (t) => {
  const seen = smsc.counts.shown
  smsc.faults({ kind: 'disconnect', how: 'rst', when: { afterOctets: 7 }, next: 1 })
  await kannel.send({ to: anna, from: 'Kannel', text: 'once or twice' })
  await smsc.untilPdu(({ command, bind }) => command === 'bind_transceiver_resp' && bind.startsWith('2'))
  t.match(await phone.next(), { text: 'delivered' })
  t.match(await phone.next(), { text: 'failed' })
  t.match(await phone.next(), { text: 'once or twice' })
  t.match(await phone.next(), { text: 'once or twice' }, 'a gateway cannot know, and this one sends it again')
  t.equal(smsc.counts.shown, seen + 2)
})

t.test('Kannel waits a moment when it is throttled', async (t) => {
  smsc.faults({ kind: 'throttle', next: 1 })
  await kannel.send({ to: anna, from: 'Kannel', text: 'later' })
  t.match(await smsc.untilPdu(({ status }) => status === 'ESME_RTHROTTLED'), { command: 'submit_sm_resp' })
  t.match(await phone.next(), { text: 'later' })
})
