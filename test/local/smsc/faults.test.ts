/** Everything that goes wrong at a carrier goes wrong at the simulator, when asked to. */
import t, { type Test } from 'tap'
import { malformedKinds } from '../../../src/local/smsc/malformed.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/local/smsc/simulator.ts'
import { statusName } from '../../../src/wire/smpp/constants.ts'
import { encodePdu } from '../../../src/wire/smpp/pdu.ts'
import { RawEsme } from './raw-esme.ts'

const anna = '+4915112345678'
const otto = '+4917099999999'

async function bound(t: Test, options: SimulatorOptions = {}): Promise<{ smsc: Simulator; esme: RawEsme }> {
  const smsc = await startSimulator(options)
  const esme = await RawEsme.bound(smsc.url)
  t.teardown(async () => {
    esme.end()
    await smsc.close()
  })
  return { smsc, esme }
}

/** @returns the status of each, in order */
async function statuses(esme: RawEsme, count: number, to = anna): Promise<string[]> {
  for (let i = 0; i < count; i++) esme.submit(to, String(i), { registered_delivery: 0 })
  const names: string[] = []
  for (let i = 0; i < count; i++) names.push(statusName((await esme.next('submit_sm_resp')).status))
  return names
}

t.test('the next ones are throttled, then the usual is back', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'throttle', next: 2 })
  t.same(await statuses(esme, 3), ['ESME_RTHROTTLED', 'ESME_RTHROTTLED', 'ESME_ROK'])
  t.equal(smsc.inbox(anna).length, 1)
})

t.test('what exceeds a rate is throttled', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'throttle', perSecond: 5 })
  const throttled = (await statuses(esme, 50)).filter((status) => status === 'ESME_RTHROTTLED')
  // Some more are taken while they come, which is at once.
  t.ok(throttled.length >= 40 && throttled.length <= 45, `${throttled.length} of 50`)
})

t.test("one phone's queue is full, others' are not", async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'queue_full', to: anna })
  t.same(await statuses(esme, 2, anna), ['ESME_RMSGQFUL', 'ESME_RMSGQFUL'])
  t.same(await statuses(esme, 1, otto), ['ESME_ROK'])
  smsc.clearFaults()
  t.same(await statuses(esme, 1, anna), ['ESME_ROK'])
})

t.test('any status can be asked for, by name or by number, one after another', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'reject', status: 'ESME_RINVDSTADR', next: 1 }, { kind: 'reject', status: 0x401, next: 1 })
  t.same(await statuses(esme, 3), ['ESME_RINVDSTADR', '0x00000401', 'ESME_ROK'])
})

t.test('one is dropped: neither taken nor answered; with another only the response is lost', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'drop', next: 1 }, { kind: 'lose_response', next: 1 })
  esme.submit(anna, 'dropped')
  const lost = esme.submit(anna, 'lost')
  const heard = esme.submit(anna, 'heard')
  const phone = smsc.phone(anna)
  t.equal((await phone.next()).text, 'lost')
  t.equal((await phone.next()).text, 'heard')
  t.match((await esme.next('deliver_sm')).fields.short_message.toString(), /text:lost$/)
  t.equal((await esme.next('submit_sm_resp')).sequence, heard)
  t.not(lost, heard)
})

t.test('responses and receipts can be late', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'delay', what: 'response', ms: 30, to: anna, next: 1 }, { kind: 'delay', what: 'receipt', ms: 60, to: otto })
  // In one packet, so that their times begin together.
  esme.socket.cork()
  const first = esme.submit(anna, 'slow answer', { registered_delivery: 0 })
  const second = esme.submit(otto, 'slow receipt')
  const third = esme.submit(anna, 'quick')
  esme.socket.uncork()
  t.equal((await esme.next('submit_sm_resp')).sequence, second)
  t.equal((await esme.next('submit_sm_resp')).sequence, third)
  t.match((await esme.next('deliver_sm')).fields, { source_addr: anna.slice(1) })
  t.equal((await esme.next('submit_sm_resp')).sequence, first)
  t.match((await esme.next('deliver_sm')).fields, { source_addr: otto.slice(1) })
})

t.test('a receipt comes before the response, twice, in a wrong order, with any state, or not at all', async (t) => {
  const { smsc, esme } = await bound(t)
  const states = async (count: number): Promise<(number | undefined)[]> => {
    const seen: (number | undefined)[] = []
    for (let i = 0; i < count; i++) seen.push((await esme.next('deliver_sm')).tlvs.message_state)
    return seen
  }
  smsc.faults({ kind: 'receipts', early: true, next: 1 })
  esme.submit(anna, 'early')
  const early = await esme.next('deliver_sm')
  t.equal((await esme.next('submit_sm_resp')).fields.message_id, early.tlvs.receipted_message_id)

  smsc.faults({ kind: 'receipts', times: 2, next: 1 })
  esme.submit(anna, 'double')
  await esme.next('submit_sm_resp')
  t.same(await states(2), [2, 2])

  smsc.faults({ kind: 'receipts', states: ['DELIVERED', 'ENROUTE'], next: 1 })
  esme.submit(anna, 'backwards')
  await esme.next('submit_sm_resp')
  t.same(await states(2), [2, 1])

  smsc.faults({ kind: 'receipts', states: ['UNDELIVERABLE'], error: '034', next: 1 })
  esme.submit(anna, 'failed')
  await esme.next('submit_sm_resp')
  const failed = await esme.next('deliver_sm')
  t.match(failed.fields.short_message.toString(), /dlvrd:000 .* stat:UNDELIV err:034 text:failed$/)
  t.match(failed.tlvs, { message_state: 5, network_error_code: Buffer.of(3, 0, 34) })

  smsc.faults({ kind: 'receipts', states: [], next: 1 })
  esme.submit(anna, 'silence')
  esme.submit(anna, 'speech')
  await esme.next('submit_sm_resp')
  await esme.next('submit_sm_resp')
  t.match((await esme.next('deliver_sm')).fields.short_message.toString(), /text:speech$/)
})

t.test('every kind of malformed PDU arrives as such, in place of a response or at once', async (t) => {
  for (const when of ['response', 'now'] as const) {
    for (const how of malformedKinds) {
      const smsc = await startSimulator()
      const esme = await RawEsme.bound(smsc.url)
      smsc.faults({ kind: 'malform', how, when, next: 1 })
      if (when === 'response') esme.submit(anna, 'Hallo', { registered_delivery: 0 })
      const sound: Record<string, 'deliver_sm' | 'submit_sm_resp' | 'generic_nack'> = {
        bad_time: 'deliver_sm',
        // What is read one field too early can make sense.
        nul_in_address: 'deliver_sm',
        stray_response: 'submit_sm_resp',
        stray_nack: 'generic_nack',
      }
      const command = sound[how]
      if (command !== undefined) t.ok(await esme.next(command), how)
      else if (how === 'never_complete' || how === 'length_17000') {
        while (esme.partialBytes === 0) await esme.arrival()
        t.ok(esme.partialBytes > 0, how)
      } else {
        while (esme.bad.length === 0) await esme.arrival()
        t.match(esme.bad, [{ ok: false }], `${how}: ${esme.bad[0]?.why}`)
      }
      esme.socket.destroy()
      await smsc.close()
    }
  }
})

t.test('after the PDU that never completes nothing comes that would complete it', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'malform', how: 'never_complete', when: 'now' })
  while (esme.partialBytes === 0) await esme.arrival()
  const { partialBytes } = esme
  esme.send({ command: 'enquire_link' })
  await smsc.untilPdu(({ command }) => command === 'enquire_link')
  t.equal(esme.partialBytes, partialBytes)
})

t.test('the line ends at any octet of a response, orderly or not', async (t) => {
  const length = encodePdu({ command: 'submit_sm_resp', sequence: 1, fields: { message_id: '2A000000' } }).length
  for (const how of ['fin', 'rst'] as const) {
    for (let afterOctets = 0; afterOctets <= length; afterOctets++) {
      const smsc = await startSimulator()
      const esme = await RawEsme.bound(smsc.url)
      smsc.faults({ kind: 'disconnect', how, when: { afterOctets }, next: 1 })
      esme.submit(anna, 'Hallo', { registered_delivery: 0 })
      await esme.closed
      t.equal(esme.wasReset, how === 'rst', `${how} after ${afterOctets} octets`)
      t.equal(esme.octets - esme.octetsAtBind, afterOctets)
      t.equal(smsc.inbox(anna).length, 1, 'the phone has it')
      await smsc.close()
    }
  }
})

t.test('the line ends when a message has come, before anything is done with it; or at once', async (t) => {
  for (const how of ['fin', 'rst'] as const) {
    const smsc = await startSimulator()
    const esme = await RawEsme.bound(smsc.url)
    smsc.faults({ kind: 'disconnect', how, when: 'request', next: 1 })
    esme.submit(anna, 'Hallo')
    await esme.closed
    t.equal(esme.wasReset, how === 'rst')
    t.same(smsc.inbox(anna), [])
    const next = await RawEsme.bound(smsc.url)
    smsc.faults({ kind: 'disconnect', how, when: 'now' })
    await next.closed
    t.equal(next.wasReset, how === 'rst')
    t.same(await statuses(await RawEsme.bound(smsc.url), 1), ['ESME_ROK'], 'whoever comes again is served')
    await smsc.close()
  }
})

t.test('mute: it reads but says nothing, also to those who come', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'mute', what: 'answers' })
  esme.send({ command: 'enquire_link' })
  const stranger = await RawEsme.connect(smsc.url)
  void stranger.bind(smsc.url).catch(() => {})
  await smsc.untilPdu(({ command }) => command === 'enquire_link')
  await smsc.untilBound(2)
  smsc.clearFaults()
  esme.send({ command: 'unbind' })
  await esme.next('unbind_resp')
  stranger.end()
})

t.test('mute: it reads nothing, and the peer feels that; then it reads on', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'mute', what: 'reads' })
  let submitted = 0
  while (esme.socket.writableLength < 1_000_000) {
    esme.submit(anna, 'x'.repeat(160), { registered_delivery: 0 })
    submitted++
    if (submitted % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(smsc.counts.submitted, 0)
  smsc.clearFaults()
  for (let i = 0; i < submitted; i++) await esme.next('submit_sm_resp')
  t.equal(smsc.counts.accepted, submitted)
})

t.test('an ESME that reads nothing is not read from for ever, nor delivered to', async (t) => {
  const { smsc, esme } = await bound(t, { deliverWindow: 1_000_000 })
  esme.socket.pause()
  const submitting = 60_000
  for (let i = 0; i < submitting; i++) esme.submit(anna, 'x'.repeat(100))
  for (let last = -1; last < smsc.counts.submitted; await new Promise((resolve) => setTimeout(resolve, 50))) last = smsc.counts.submitted
  t.ok(smsc.counts.submitted < submitting, `${smsc.counts.submitted} of ${submitting} were read`)
  esme.socket.resume()
  let receipts = 0
  for (let responses = 0; responses < submitting || receipts < submitting; ) {
    if ((await esme.any()).command === 'deliver_sm') receipts++
    else responses++
  }
  t.equal(receipts, submitting)
})

t.test('binds are refused for a while, and everybody is asked to unbind', async (t) => {
  const { smsc, esme } = await bound(t)
  smsc.faults({ kind: 'refuse_bind', status: 'ESME_RBINDFAIL', next: 1 })
  const refused = await RawEsme.connect(smsc.url)
  t.equal(statusName((await refused.bind(smsc.url)).status), 'ESME_RBINDFAIL')
  const taken = await RawEsme.connect(smsc.url)
  t.equal((await taken.bind(smsc.url)).status, 0)
  smsc.faults({ kind: 'unbind' })
  for (const each of [esme, taken]) {
    const { sequence } = await each.next('unbind')
    each.socket.write(encodePdu({ command: 'unbind_resp', sequence }))
    await each.closed
  }
  t.same(smsc.binds, [])
})
