/** The carrier link and the simulator, both ends ours: from a text to a display and back, and what may go wrong between. */
import t, { type Test } from 'tap'
import { parseAccounts } from '../../src/smpp/account.ts'
import type { LinkSettings } from '../../src/smpp/settings.ts'
import { ForkedSimulator } from '../../src/local/smsc/fork.ts'
import { malformedKinds } from '../../src/local/smsc/malformed.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/local/smsc/simulator.ts'
import { until } from '../support/until.ts'
import { TestLink, quick } from './support/link.ts'

const anna = '+4917612345678'
const long = 'Ihr Ticket für den Anschluß [Köln] kostet 5 €. '.repeat(9)

async function linked(
  t: Test,
  settings: Partial<LinkSettings> = {},
  options: SimulatorOptions = {},
): Promise<{ smsc: Simulator; link: TestLink }> {
  const smsc = await startSimulator(options)
  t.teardown(() => smsc.close())
  const accounts = parseAccounts(smsc.url)
  if (!Array.isArray(accounts)) throw new Error(accounts.problem)
  const link = TestLink.open(
    t,
    accounts.map((account) => ({ account, settings: { ...quick, ...settings } })),
  )
  await link.lane()
  return { smsc, link }
}

for (const concatenation of ['udh8', 'udh16', 'sar', 'payload'] as const) {
  t.test(`${concatenation}: what was written shows on the phone, and every receipt finds its part`, async (t) => {
    const { smsc, link } = await linked(t, { concatenation })
    const phone = smsc.phone(anna)
    for (const text of ['Grüße', long, 'Да 👍 '.repeat(40)]) {
      const before = link.results.length
      const { reservation } = await link.send(text)
      t.equal((await phone.next()).text, text)
      await link.result(before + reservation.parts - 1)
      const ids = link.results.slice(before).map((result) => (result.is === 'accepted' ? result.carrierId : ''))
      await until('a receipt for each', () =>
        ids.every((id) =>
          link.incoming.some((each) => each.kind === 'receipt' && each.carrierIds.includes(id) && each.state === 'delivered'),
        ),
      )
    }
    t.same(link.faults, [])
  })
}

for (const [messageIds, messageIdsInReceipts, idForm] of [
  ['hex', 'decimal', 'hex_to_decimal'],
  ['decimal', 'hex', 'decimal_to_hex'],
  ['hex', 'decimal', 'either'],
] as const) {
  t.test(`ids that are ${messageIds} in answers and ${messageIdsInReceipts} in receipts, with ${idForm}`, async (t) => {
    const { link } = await linked(t, { idForm }, { messageIds, messageIdsInReceipts })
    await link.send('Grüße')
    const result = await link.result()
    await until('the receipt', () => link.incoming.length === 1)
    const [receipt] = link.incoming
    t.ok(receipt?.kind === 'receipt' && result.is === 'accepted' && receipt.carrierIds.includes(result.carrierId))
  })
}

t.test('a phone answers, at length', async (t) => {
  const { smsc, link } = await linked(t)
  await smsc.reply({ from: anna, to: '72345', text: long })
  const parts = link.incoming.map((each) => (each.kind === 'reply' ? each : null))
  t.same(
    parts.map((part) => part?.concatenation?.part),
    parts.map((_, index) => index + 1),
  )
  t.equal(parts.map((part) => part?.text).join(''), long)
})

for (const how of malformedKinds) {
  t.test(`${how}, by itself and in place of an answer: counted, and the link lives on`, async (t) => {
    const { smsc, link } = await linked(t, { partialPduMs: 200, enquireLinkMs: 200, enquireLinkTimeoutMs: 300, responseTimeoutMs: 1000 })
    smsc.faults({ kind: 'malform', how, when: 'now' })
    await until('it to be noticed', () => link.faults.length > 0 || link.incoming.length > 0)
    smsc.faults({ kind: 'malform', how, when: 'response', next: 1 })
    await link.send('Grüße')
    t.equal((await link.result()).is, 'unanswered')
    await link.send('Grüße')
    t.equal((await link.result(1)).is, 'accepted')
    t.notMatch(link.logged.join('\n'), /malformed|4915100000000/, 'without its content in the log')
  })
}

t.test('the answer is cut off after each of its octets: unanswered, unless it was whole', async (t) => {
  const { smsc, link } = await linked(t)
  await link.send('Grüße')
  const result = await link.result()
  const wholeOctets = result.is === 'accepted' ? 16 + result.carrierId.length + 1 : 0
  for (let octets = 0; octets <= wholeOctets; octets++) {
    smsc.faults({
      kind: 'disconnect',
      how: octets === wholeOctets || octets % 2 === 0 ? 'fin' : 'rst',
      when: { afterOctets: octets },
      next: 1,
    })
    const index = link.results.length
    await link.send('Grüße')
    const { is } = await link.result(index)
    t.equal(is, octets < wholeOctets ? 'unanswered' : 'accepted', `${octets} octets`)
    await until('the loss to be noticed', () => link.statuses.filter(({ state }) => state === 'waiting').length > octets)
  }
  await link.send('Grüße')
  t.equal((await link.result(link.results.length)).is, 'accepted')
})

t.test('a Pforte that stood still itself blames nobody for it', async (t) => {
  const smsc = await ForkedSimulator.start()
  t.teardown(() => smsc.close())
  const accounts = parseAccounts(smsc.url)
  if (!Array.isArray(accounts)) throw new Error(accounts.problem)
  const settings = { ...quick, responseTimeoutMs: 300, enquireLinkMs: 100, enquireLinkTimeoutMs: 300 }
  const link = TestLink.open(
    t,
    accounts.map((account) => ({ account, settings })),
  )
  for (let i = 0; i < 3; i++) {
    await link.send('Grüße')
    // So that it leaves before the standstill.
    await new Promise(setImmediate)
    const standstillEndsAt = performance.now() + 1000
    while (performance.now() < standstillEndsAt);
    t.equal((await link.result(i)).is, 'accepted')
  }
  t.same(
    link.statuses.map(({ state }) => state),
    ['connecting', 'binding', 'bound'],
  )
})
