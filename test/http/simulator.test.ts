/** The carrier that stands in while there is none: its phones, its faults and its wire, over the API. */
import t, { type Test } from 'tap'
import { startSimulator } from '../../src/local/smsc/simulator.ts'
import { showSimulator } from '../../src/main/simulated-carrier.ts'
import { statusName } from '../../src/wire/smpp/constants.ts'
import { RawEsme } from '../local/smsc/raw-esme.ts'
import { runHttp } from './running.ts'

const marta = '+491701234567'

async function open(t: Test) {
  const smsc = await startSimulator()
  t.teardown(() => smsc.close())
  const running = await runHttp(t, { simulator: showSimulator(smsc) })
  const bound = async () => {
    const esme = await RawEsme.bound(smsc.url)
    t.teardown(() => esme.end())
    return esme
  }
  return { ...running, smsc, bound }
}

t.test('a phone answers whoever wrote to it, and the answer tells that it was taken', async (t) => {
  const { ask, bound, logged } = await open(t)
  const esme = await bound()
  esme.submit(marta, 'Wie geht es?', { source_addr: '49621555100', source_addr_ton: 1 })
  await esme.next('submit_sm_resp')
  await esme.next('deliver_sm')
  const answer = await ask('POST', '/simulator/replies', { from: '0170 1234567', text: 'Geheim: gut' })
  t.match(answer, { status: 201, body: { from: marta, parts: [{ acknowledged: true, status: 'ESME_ROK', tries: 1 }] } })
  t.match((await esme.next('deliver_sm')).fields, { source_addr: '491701234567', destination_addr: '49621555100' })
  t.match(
    await ask('POST', '/simulator/replies', { from: marta, to: '12345', text: 'ü'.repeat(200), longForm: 'sar', coding: 'ucs2' }),
    { status: 201, body: { to: '12345', parts: [{}, {}, {}] } },
    'to a short code, in three parts',
  )
  t.notMatch(logged(), /Geheim/)
})

t.test('nobody is bound: the answer waits for a bind, and says so', async (t) => {
  const { ask, bound } = await open(t)
  const waiting = await ask('POST', '/simulator/replies', { from: marta, to: '+49621555100', text: 'STATUS' })
  t.match(waiting, { status: 202, body: { parts: [] } })
  const esme = await bound()
  t.equal((await esme.next('deliver_sm')).fields.short_message.toString(), 'STATUS')
})

t.test('what was on the wire can be looked at, newest first', async (t) => {
  const { ask, bound } = await open(t)
  const esme = await bound()
  esme.submit(marta, 'eins')
  await esme.next('submit_sm_resp')
  await esme.next('deliver_sm')
  const { body } = await ask('GET', '/simulator/pdus?command=submit_sm')
  t.match(body, {
    items: [
      {
        at: /^\d{4}-.*Z$/,
        direction: 'in',
        command: 'submit_sm',
        status: 'ESME_ROK',
        text: 'eins',
        fields: { destination_addr: '491701234567', data_coding: 0, short_message: Buffer.from('eins').toString('hex') },
        tlvs: {},
      },
    ],
    next: null,
  })
  const all = (await ask('GET', '/simulator/pdus')).body.items
  t.same(
    all.slice(-2).map(({ command }: any) => command),
    ['bind_transceiver_resp', 'bind_transceiver'],
  )
  t.notMatch(JSON.stringify(all), 'password')
  t.equal((await ask('GET', '/simulator/pdus?direction=out&limit=1')).body.items.length, 1)
})

t.test('faults come on one by one and go all at once', async (t) => {
  const { ask, bound } = await open(t)
  const esme = await bound()
  const submitted = async () => {
    esme.submit(marta, 'Hallo')
    return statusName((await esme.next('submit_sm_resp')).status)
  }
  t.match(await ask('POST', '/simulator/faults', { kind: 'receipts', states: [] }), { status: 201, body: { kind: 'receipts', states: [] } })
  t.match((await ask('POST', '/simulator/faults', { kind: 'throttle', next: 1, to: '0170 1234567' })).body, { to: marta })
  await ask('POST', '/simulator/faults', { kind: 'reject', status: 'ESME_RINVDSTADR', next: 1 })
  await ask('POST', '/simulator/faults', { kind: 'queue_full' })
  t.same([await submitted(), await submitted(), await submitted()], ['ESME_RTHROTTLED', 'ESME_RINVDSTADR', 'ESME_RMSGQFUL'])
  t.equal((await ask('DELETE', '/simulator/faults')).status, 204)
  t.equal(await submitted(), 'ESME_ROK')
  await ask('POST', '/simulator/faults', { kind: 'disconnect', how: 'rst', when: { afterOctets: 7 } })
  esme.submit(marta, 'Hallo')
  await esme.closed
  t.ok(esme.wasReset)
  t.equal((await ask('GET', '/simulator/pdus?command=submit_sm')).body.items.length, 5)
})

t.test('a fault that is none is refused, with its field', async (t) => {
  const { ask } = await open(t)
  const stories: [fault: unknown, field: string, says: RegExp][] = [
    [{ kind: 'explode' }, 'kind', /must be one of reject, throttle/],
    [{ next: 3 }, 'kind', /is missing/],
    [{ kind: 'reject' }, 'status', /is missing/],
    [{ kind: 'reject', status: 'ESME_RNOTHING' }, 'status', /ESME_RTHROTTLED/],
    [{ kind: 'refuse_bind', status: 13 }, 'status', /a name/],
    [{ kind: 'throttle', status: 'ESME_RSYSERR' }, 'status', /does not go with throttle; what does: perSecond, to, next/],
    [{ kind: 'throttle', next: 0 }, 'next', /1/],
    [{ kind: 'throttle', to: 'Marta' }, 'to', /phone number/],
    [{ kind: 'delay', what: 'answers', ms: 5 }, 'what', /response, receipt/],
    [{ kind: 'delay', what: 'response' }, 'ms', /is missing/],
    [{ kind: 'mute', what: 'response' }, 'what', /reads, answers/],
    [{ kind: 'malform', how: 'fin', when: 'now' }, 'how', /length_0/],
    [{ kind: 'malform', how: 'noise', when: { afterOctets: 3 } }, 'when', /now, response/],
    [{ kind: 'disconnect', how: 'fin', when: 'tomorrow' }, 'when', /now, request/],
    [{ kind: 'receipts', states: ['LOST'] }, 'states.0', /DELIVERED/],
    [{ kind: 'unbind', to: marta }, 'to', /what does: nothing/],
  ]
  for (const [fault, field, says] of stories) {
    const answer = await ask('POST', '/simulator/faults', fault)
    t.equal(answer.status, 400, JSON.stringify(fault))
    t.match(answer.body.errors, [{ field, message: says }], JSON.stringify(fault))
  }
  const replies: [reply: unknown, field: string][] = [
    [{ from: 'Marta', to: '12345', text: 'x' }, 'from'],
    [{ from: marta, text: 'x' }, 'to'],
    [{ from: marta, to: 'a name that is too long', text: 'x' }, 'to'],
    [{ from: marta, to: '12345' }, 'text'],
    [{ from: marta, to: '12345', text: 'Привет', coding: 'gsm7' }, 'coding'],
  ]
  for (const [reply, field] of replies) {
    t.match(await ask('POST', '/simulator/replies', reply), { status: 400, body: { errors: [{ field }] } }, JSON.stringify(reply))
  }
})

t.test('beside a real carrier there is no simulator; with one, its routes want the key', async (t) => {
  const real = await runHttp(t)
  for (const [method, path] of [
    ['POST', '/simulator/replies'],
    ['POST', '/simulator/faults'],
    ['GET', '/simulator/pdus'],
  ] as const) {
    t.match(await real.ask(method, path), { status: 404, body: { code: 'no_such_route' } }, path)
  }
  const { url } = await open(t)
  t.equal((await fetch(`${url}/simulator/pdus`)).status, 401)
  t.equal((await fetch(`${url}/simulator/faults`, { method: 'POST', body: '{"kind":"drop"}' })).status, 401)
})
