/** A PIN goes to its customer's phone, and is to be found nowhere else: not in a row, an answer, a trace or a log. */
import t, { type Test } from 'tap'
import { startSimulator } from '../../../src/local/smsc/simulator.ts'
import { sealedTexts, wholeDatabase } from '../../support/database-text.ts'
import { monday, question, serviceWith, valueOf } from '../../support/stories.ts'
import { until } from '../../support/until.ts'
import { SendingSide, type SendingOptions } from './sending-side.ts'

t.jobs = 2

const marta = '+491701234567'
/** So long that nothing else in a database looks like it by chance. */
const pinLength = 12
const pinWithin = /\d{12}/

async function sending(t: Test, options: SendingOptions = {}) {
  const smsc = await startSimulator({ deliverAgainMs: 50 })
  t.teardown(() => smsc.close())
  const side = await SendingSide.start(t, smsc, { ...options, store: { pinLength, ...options.store } })
  await serviceWith(side.store, [])
  const { records } = side.store
  const customer = valueOf(
    await records.createCustomer(
      { name: 'Marta Weber', numbers: ['+4962155501', marta], language: 'de', timeZone: 'Europe/Berlin' },
      monday,
    ),
  )
  const contract = valueOf(
    await records.createContract(
      {
        customerId: customer.id,
        service: 'Concierge',
        queue: 'emergency',
        priority: 0,
        hours: 'always',
        slaMinutes: null,
        pinBySms: true,
        validFrom: null,
        validTo: null,
      },
      monday,
    ),
  )
  const opens = async (pin: string): Promise<string> =>
    (await side.store.calls.checkPin(question(pin, { caller: null, trunk: null, at: Date.now() }))).result.is
  return { smsc, side, contract, opens, phone: smsc.phone(marta) }
}

t.test('the customer reads their PIN, and it opens the line; everybody else sees dots', async (t) => {
  const { side, contract, opens, phone } = await sending(t)
  const sent = valueOf(await side.store.records.sendPin({ contractId: contract.id }, Date.now()))
  t.strictSame(Object.keys(sent).sort(), ['contractId', 'createdAt', 'id', 'messageId', 'validFrom', 'validTo'], 'the answer has no PIN')
  const { text } = await phone.next()
  const [pin] = pinWithin.exec(text) ?? []
  t.match(text, /^Ihre PIN für unsere Service-Hotline ist \d{12}\. Bitte/)
  t.equal(await opens(pin!), 'right')

  const message = await side.becomes(sent.messageId, 'delivered')
  t.match(message, {
    to: marta,
    template: 'pin.issued',
    text: /^Ihre PIN für unsere Service-Hotline ist •••••\. Bitte/,
    parts: { length: 1 },
  })
  t.notMatch(JSON.stringify(message.trace), pin)
  t.match(await side.store.records.pins(contract.id, { limit: 9, cursor: null }), { items: [{ id: sent.id, messageId: sent.messageId }] })
  t.equal(await sealedTexts(side.store), 0, 'once it cannot be sent any more, not even its sealed text is there')
  t.notMatch(await wholeDatabase(side.store), pin)
  t.notMatch(side.logged.join(), pin)
})

t.test('while it waits, its text is in no row that can be read; what waits for a revoked PIN does not go', async (t) => {
  const { side, contract, phone } = await sending(t, { opens: false })
  const pin = '864209753186'
  const sent = valueOf(await side.store.records.sendPin({ contractId: contract.id, pin }, Date.now()))
  t.equal(await sealedTexts(side.store), 1)
  t.notMatch(await wholeDatabase(side.store), pin)
  valueOf(await side.store.records.revokePin(sent.id, Date.now()))
  t.match(await side.message(sent.messageId), { state: 'superseded', trace: [{}, { why: 'the PIN was revoked' }] })
  t.equal(await sealedTexts(side.store), 0)
  await side.sender.open()
  const other = await side.tells(marta)
  await side.becomes(other, 'delivered')
  t.notMatch((await phone.next()).text, /PIN/)
})

t.test('the carrier throttles: what is sent again is the PIN, and not the dots', async (t) => {
  const { smsc, side, contract, phone } = await sending(t)
  smsc.faults({ kind: 'throttle', next: 2 })
  const sent = valueOf(await side.store.records.sendPin({ contractId: contract.id }, Date.now()))
  t.match((await phone.next()).text, pinWithin)
  await side.becomes(sent.messageId, 'delivered')
  t.equal(await sealedTexts(side.store), 0)
})

t.test('the carrier refuses it, or says nothing: its text is gone with the last chance to send it', async (t) => {
  const { smsc, side, contract } = await sending(t)
  smsc.faults({ kind: 'reject', status: 'ESME_RINVDSTADR', next: 1 })
  const refused = valueOf(await side.store.records.sendPin({ contractId: contract.id }, Date.now()))
  await side.becomes(refused.messageId, 'failed')
  t.equal(await sealedTexts(side.store), 0)

  smsc.faults({ kind: 'drop', next: 1 })
  const unanswered = valueOf(await side.store.records.sendPin({ contractId: contract.id }, Date.now()))
  await side.becomes(unanswered.messageId, 'uncertain')
  // Its template says that it is left then.
  await until('its text to be gone', async () => (await sealedTexts(side.store)) === 0)
  t.equal((await side.message(unanswered.messageId)).state, 'uncertain')
})

t.test('a text that cannot be opened costs its own message and no other', async (t) => {
  const { side, contract } = await sending(t, { opens: false })
  const [broken, lost] = [
    valueOf(await side.store.records.sendPin({ contractId: contract.id }, Date.now())),
    valueOf(await side.store.records.sendPin({ contractId: contract.id }, Date.now())),
  ]
  await side.store.query(`UPDATE messages SET sealed_text = 'garbage' WHERE id = $1`, [broken.messageId])
  await side.store.query(`UPDATE messages SET sealed_text = NULL WHERE id = $1`, [lost.messageId])
  const other = await side.tells(marta)
  await side.sender.open()
  await side.becomes(other, 'delivered')
  for (const { messageId } of [broken, lost])
    t.match((await side.message(messageId)).trace.at(-1), { what: 'failed', why: 'what it was to say cannot be read any more' })
})
