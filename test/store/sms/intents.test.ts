/** The message of an event, as it stands after the transaction of that event: sent at once, held, or not at all, and why. */
import t from 'tap'
import type { SmsDefinition } from '../../../src/domain/sms/definition.ts'
import { Consents } from '../../../src/store/sms/consents.ts'
import { SmsEvents } from '../../../src/store/sms/events.ts'
import { createTicket } from '../../../src/store/tickets.ts'
import { monday } from '../../support/stories.ts'
import { exactly, stands, traceOf, type Stamped } from './sending.ts'
import { definition, marta, ours, statusLine } from './status-line.ts'

const minute = 60_000
const hour = 60 * minute
/** 21:00 in Berlin; the window opens again at 08:00. */
const night = monday + 12 * hour
const morning = monday + 23 * hour
const landline = '+4962155512345'
const abroad = '+33612345678'

t.test('a ticket and the message that tells of it are one transaction', async (t) => {
  const line = await statusLine(t)
  const about = { customerId: null, caller: marta, subject: 'Störung', source: 'api', callId: null } as const
  const failing = line.connections.kyselyTransaction(async (transaction) => {
    await createTicket(transaction, line.sms, about, monday)
    throw new Error('the CRM thought better of it')
  })
  await t.rejects(failing, /thought better/)
  t.same(await stands(line), [])
  t.same(line.due, [], 'nobody is told of what did not happen')

  const { id, number } = await line.ticket({ caller: marta })
  exactly(t, await stands(line), [
    {
      ticket_id: id,
      recipient: marta,
      sender: ours,
      body: new RegExp(`Ticket ${number}\\b`),
      state: 'queued',
      due_at: monday,
      template: 'ticket.received',
      parts: 1,
      trace: [{ at: monday, what: 'queued', why: 'within the delivery window' }],
    },
  ])
  t.same(line.due, [1], 'the sender is told, after the commit')
})

t.test('a long message is counted in the parts that it will be sent in, whichever carrier it goes to', async (t) => {
  const text = 'Strom '.repeat(51).replace(/.$/, '.')
  const usual = definition((sms) => (sms['templates']['ticket.received']['de'] = text))
  const line = await statusLine(t, usual)
  await line.ticket({ caller: marta })
  line.sms.definition = { ...usual, referenceBits: 16 }
  await line.ticket({ caller: marta }, monday + minute)
  t.same(
    (await stands(line)).map(({ parts }) => parts),
    [2, 3],
    'of 153 septets each, or of 152',
  )
})

t.test('the same status of a ticket is told once, whoever reports it how often', async (t) => {
  const line = await statusLine(t)
  const { id: ticketId } = await line.ticket({ caller: marta })
  const again = () =>
    line.connections.kyselyTransaction((transaction) =>
      line.sms.ticketEntered(transaction, { ticketId, version: 1, status: 'received' }, monday),
    )
  await Promise.all(Array.from({ length: 8 }, again))
  t.equal((await stands(line)).length, 1)
  t.same(line.due, [1])
})

t.test('what happens to a ticket at night is told in the morning, in one message', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta }, night)
  await line.enter(id, 'in_progress', night + hour)
  await line.enter(id, 'completed', night + 2 * hour)
  const messages = await stands(line)
  t.same(
    messages.map(({ template, state }) => `${template} ${state}`),
    ['ticket.received superseded', 'ticket.in_progress superseded', 'ticket.completed held'],
  )
  const [first, second, last] = messages as [Stamped, Stamped, Stamped]
  t.same(traceOf(first), ['held: outside the delivery window', 'superseded: the ticket has moved on'])
  t.equal(first.trace[1]?.at, night + hour)
  t.same(traceOf(second), ['held: outside the delivery window', 'superseded: the ticket has moved on'])
  t.equal(first.due_at, null)
  const due = last.due_at ?? 0
  t.ok(due >= morning && due < morning + 10 * minute, 'soon after the opening, but not all in one burst')
})

t.test('a customer with two phones: what waits for one of them is not overtaken by news to the other', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([marta, '+491707654321'])
  const { id } = await line.ticket({ customerId, caller: marta }, night)
  await line.rows(`UPDATE tickets SET caller = '+491707654321' WHERE id = $1`, [id])
  await line.enter(id, 'in_progress', night + hour)
  exactly(t, await stands(line), [
    { recipient: marta, state: 'held' },
    { recipient: '+491707654321', state: 'held' },
  ])
})

t.test('a ticket that is reopened the moment it was told so is not told twice', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta })
  await line.enter(id, 'in_progress', monday + hour)
  await line.sent(id, monday + hour)
  await line.enter(id, 'completed', night)
  await line.enter(id, 'in_progress', night + hour)
  t.same((await stands(line)).map(traceOf).slice(-2), [
    ['held: outside the delivery window', 'superseded: the ticket has moved on'],
    ['suppressed: the recipient was told this status last'],
  ])
})

t.test('whoever opted out gets none, not even the answer to a voicemail', async (t) => {
  const line = await statusLine(t)
  await new Consents(line.connections, line.sms).setConsent({ number: marta, purpose: 'all', is: 'out' }, monday)
  await line.ticket({ caller: marta }, monday + minute)
  await line.ticket({ caller: marta, source: 'voicemail', line: 'hotline' }, monday + minute)
  exactly(t, await stands(line), [
    { state: 'suppressed', due_at: null, trace: [{ what: 'suppressed', why: 'the recipient opted out' }] },
    { state: 'suppressed', template: 'voicemail.received', trace: [{ why: 'the recipient opted out' }] },
  ])
  t.same(line.due, [])
})

t.test('numbers that can take no message: it is there, and says why it was not sent', async (t) => {
  const line = await statusLine(t)
  const none = await line.customer([])
  for (const [what, about, to, why] of [
    ['a landline', { caller: landline }, landline, 'landlines get no messages'],
    ['abroad', { caller: abroad }, abroad, 'numbers of this country get no messages'],
    ['too short', { caller: '+4917012' }, '+4917012', 'the number is none that can be in use'],
    ['no country has it', { caller: '+999123456789' }, '+999123456789', 'the number is none that can be in use'],
    ['at a premium', { caller: '+499001234567' }, '+499001234567', 'the number is not of a mobile phone'],
    ['no number at all', { caller: 'doorbell' }, 'doorbell', 'the number is none that can be in use'],
    ['nobody', { customerId: none }, '', 'there is no number to send it to'],
  ] as const) {
    const { id } = await line.ticket(about)
    exactly(
      t,
      await stands(line, `ticket_id = '${id}'`),
      [{ recipient: to, state: 'suppressed', due_at: null, trace: [{ at: monday, what: 'suppressed', why }] }],
      what,
    )
  }
  t.same(line.due, [])
})

t.test('a customer calls from a landline: their first mobile phone gets it', async (t) => {
  const line = await statusLine(t)
  const customerId = await line.customer([landline, abroad, marta, '+491707654321'])
  for (const caller of [landline, abroad, null]) {
    const { id } = await line.ticket({ customerId, caller })
    exactly(t, await stands(line, `ticket_id = '${id}'`), [{ recipient: marta, state: 'queued', customer_id: customerId }], `${caller}`)
  }
})

t.test('each country has its sender, if it needs one; an answer comes from where the question went', async (t) => {
  const line = await statusLine(
    t,
    definition((sms) => {
      sms['countries'] = ['DE', 'FR', 'US']
      sms['senders'] = { US: '+12025550123' }
      sms['templates']['ticket.completed'] = { sender: 'Pforte', ...sms['templates']['ticket.completed'] }
    }),
  )
  const senderTo = async (caller: string, status: 'received' | 'completed'): Promise<string | undefined> => {
    const { id } = await line.ticket({ caller, status })
    return (await stands(line, `ticket_id = '${id}'`))[0]?.sender
  }
  t.equal(await senderTo(marta, 'received'), ours)
  t.equal(await senderTo(abroad, 'received'), ours)
  t.equal(await senderTo(marta, 'completed'), 'Pforte')
  t.equal(await senderTo('+12015550123', 'received'), '+12025550123')
  t.equal(await senderTo('+12015550123', 'completed'), '+12025550123', 'where nothing else gets through')
  const answer = { event: 'status.no_ticket', to: marta, from: '+4962155599', ticketId: null, customerId: null, dedupe: 'x' } as const
  await line.connections.kyselyTransaction((transaction) => line.sms.answer(transaction, answer, monday))
  exactly(t, await stands(line, `template = 'status.no_ticket'`), [{ sender: '+4962155599', state: 'queued' }])
})

t.test('a text that cannot be sent as it is is not sent, and never with a wrong letter', async (t) => {
  const line = await statusLine(t, saying())
  const events = new SmsEvents(line.connections, line.sms)
  const became = async (text: string): Promise<Stamped> => {
    const event = { keyId: 'shop', type: 'payment.received', to: marta, customerId: null, data: { text }, idempotencyKey: null }
    const posted = await events.post(event, monday)
    const id = posted.ok ? posted.value.messageIds[0] : 'none'
    return (await stands(line, `id = '${id}'`))[0]!
  }
  for (const [what, text, why] of [
    ['empty', '', 'the text is empty'],
    ['nothing to be seen', ' \u200b \n', 'the text is empty'],
    ['2,000 characters', 'ä'.repeat(2_000), 'the text takes 14 parts, 4 are allowed'],
    ['a NUL', 'Ticket\u0000 12', 'the text holds the control character U+0000'],
    ['an escape', 'Ticket \u001b[31m', 'the text holds the control character U+001B'],
    ['half an emoji', 'Danke \ud83d', 'the text holds half a character (U+D83D)'],
  ] as const) {
    t.match(await became(text), { state: 'failed', due_at: null, trace: [{ at: monday, what: 'failed', why }] }, what)
  }
  for (const [what, text, parts] of [
    ['umlauts', 'ÄÖÜäöüß€'.repeat(17), 1],
    ['emoji', '👍🏽 Danke', 1],
    ['emoji, too many for one part', '👍'.repeat(36), 2],
    ['from right to left', 'תודה רבה, הפנייה שלך בטיפול', 1],
  ] as const) {
    t.match(await became(text), { state: 'queued', body: text, parts, due_at: monday }, what)
  }
})

t.test('forged caller IDs: an unknown number gets few messages, a line and all lines together not many', async (t) => {
  const line = await statusLine(
    t,
    definition((sms) => {
      sms['caps']['strangers'] = {
        per_number: { most: 2, in: '1d' },
        per_line: { most: 4, in: '1h' },
        in_total: { most: 6, in: '1d' },
      }
    }),
  )
  let place = 0
  const voicemail = (caller: string, over = 'hotline', at = monday + place++) =>
    line.ticket({ caller, source: 'voicemail', line: over }, at)
  const stranger = (number: number): string => `+49151123456${String(number).padStart(2, '0')}`
  for (let time = 0; time < 3; time++) await voicemail(stranger(1))
  for (let number = 2; number < 6; number++) await voicemail(stranger(number))
  for (let number = 6; number < 9; number++) await voicemail(stranger(number), 'mannheim')
  const number = 'suppressed: cap: too many messages to this unknown number'
  const perLine = 'suppressed: cap: too many messages to unknown numbers on this line'
  const inTotal = 'suppressed: cap: too many messages to unknown numbers in total'
  const sent = 'queued: within the delivery window'
  t.same((await stands(line)).flatMap(traceOf), [sent, sent, number, sent, sent, perLine, perLine, sent, sent, inTotal])
  t.same(line.alarms, ['stranger_number', 'stranger_line', 'stranger_line', 'stranger_total'])
  t.same(line.logged.length, 3, 'each kind is told at once')

  await line.customer([stranger(9)])
  await voicemail(stranger(9))
  await line.ticket({ caller: stranger(10) }, monday + place++)
  t.same((await stands(line)).flatMap(traceOf).slice(-2), [sent, sent], 'customers, and who comes over the API, are not strangers')
  await voicemail(stranger(2), 'hotline', monday + hour + 1)
  t.equal(line.logged.length, 3)
  await voicemail(stranger(2), 'hotline', monday + 2 * hour)
  t.match(line.logged.at(-1), { cap: 'stranger_total', suppressed: 3 }, 'and again while it goes on')
  await voicemail(stranger(2), 'hotline', monday + 25 * hour)
  t.same((await stands(line)).flatMap(traceOf).at(-1), sent)
})

t.test('forged voicemails that come at the same moment do not slip through together', async (t) => {
  const line = await statusLine(t)
  await Promise.all(Array.from({ length: 12 }, () => line.ticket({ caller: marta, source: 'voicemail', line: 'hotline' })))
  const states = (await stands(line)).map(({ state }) => state)
  t.equal(states.filter((state) => state === 'queued').length, 5)
  t.equal(states.filter((state) => state === 'suppressed').length, 7)
})

t.test('a voicemail is answered at night, and what follows waits for the morning', async (t) => {
  const line = await statusLine(t)
  const { id } = await line.ticket({ caller: marta, source: 'voicemail', line: 'hotline' }, night)
  await line.enter(id, 'in_progress', night + minute)
  exactly(t, await stands(line), [
    { template: 'voicemail.received', state: 'queued', trace: [{ why: 'at once: it answers what the recipient did' }] },
    { template: 'ticket.in_progress', state: 'held' },
  ])
})

/** The payment's text is whatever its event brings, without a limit. */
function saying(): SmsDefinition {
  const as = definition()
  const payment = as.templates['payment.received']!
  const wording = {
    ...payment.wording['de']!,
    template: [{ placeholder: 'data.text', at: 0 }],
    placeholders: { 'data.text': { usual: 'x', mostUnits: 100_000 } },
  }
  return { ...as, templates: { ...as.templates, 'payment.received': { ...payment, data: ['text'], wording: { de: wording } } } }
}
