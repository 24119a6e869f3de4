/** A whole Pforte and a carrier beside it: what its customers read on their phones, by day, by night, and over a `kill -9`. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startSimulator } from '../../../src/local/smsc/simulator.ts'
import type { ShownMessage } from '../../../src/local/smsc/phones.ts'
import { until } from '../../support/until.ts'
import { definitionForStories } from '../support/definition.ts'
import { Hotline, type Row } from '../support/hotline.ts'
import { changed } from '../survive/definition.ts'

t.setTimeout(240_000)

const ours = '+49621555100'
const password = 'Qui77en3'
const WINDOW = 10
/** What people wrote and systems told: none of it may be found in a log. */
const written = ['Es rauscht noch immer, Gelee', 'Quittenrechnung-9481', '17,77 €']

// Outlives Pforte.
const smsc = await startSimulator({ accounts: [{ user: 'pforte', password }], deliverAgainMs: 50, keep: { pdus: 20_000 } })
t.teardown(() => smsc.close())
const shown = new Map<string, ShownMessage[]>()
smsc.onDelivered((message) => {
  const others = shown.get(message.to)
  if (others === undefined) shown.set(message.to, [message])
  else others.push(message)
})
const hotline = await Hotline.open(t, {
  yaml: (text) => sentOnly(definitionForStories(text), atNight()),
  environment: { SMPP_URL: smsc.url },
})
const { pforte } = hotline
await until('the carrier to be bound', async () => (await pforte.request('GET', '/readyz')).body['parts'].smsc.ok)

t.test('a caller leaves a message at night: the SMS arrives right after; what follows waits for the morning', async (t) => {
  const marta = '+491701234567'
  const phone = smsc.phone(marta)
  const caller = await hotline.caller(t, { number: marta })
  await caller.dials()
  await caller.types('#')
  await caller.hearsMusic()
  await caller.types('#')
  await caller.hears('leave_message')
  await caller.hearsBeep()
  await caller.speaks(await hotline.prompt('not_correct'))
  await caller.hangsUp()
  const sms = await phone.next()
  const ticket = await caller.ticket()
  t.match(sms, { from: ours, text: new RegExp(`^Danke für Ihre Nachricht, wir kümmern uns darum \\(Ticket ${ticket['number']}\\)`) })
  await caller.afterwards()
  await change(ticket, 'in_progress')
  const [news, answer] = await messages({ ticketId: ticket['id'] })
  t.match(news, { template: 'ticket.in_progress', state: 'held', trace: [{ what: 'held', why: 'outside the delivery window' }] })
  t.match(answer, { template: 'voicemail.received', trace: [{ why: 'at once: it answers what the recipient did' }] })
})

t.test('a customer asks for the status at night, writes, wants no more, and wants them again', async (t) => {
  const otto = '+491707654321'
  const phone = smsc.phone(otto)
  const ticket = await pforte.post('/v1/tickets', { subject: 'Anschluss gestört', caller: otto })
  const says = async (text: string): Promise<void> => {
    const outcomes = await smsc.reply({ from: otto, to: ours, text })
    for (const { acknowledged } of outcomes) t.ok(acknowledged, text)
  }
  await says('Status')
  t.match(await phone.next(), { from: ours, text: new RegExp(`^Ticket ${ticket['number']}: eingegangen seit`) })
  await says(`${written[0]}! 👍`)
  const { items } = await pforte.get(`/v1/tickets/${ticket['id']}/comments`)
  t.match(items, [{ text: `${written[0]}! 👍`, author: otto }])
  await says('stop')
  t.match(await phone.next(), { text: /^Sie bekommen keine SMS mehr von uns/ })
  await change(ticket, 'in_progress')
  t.same(
    (await messages({ ticketId: ticket['id'], state: 'suppressed' })).map(({ template }) => template),
    ['ticket.in_progress', 'ticket.received'],
    'neither the one that is new nor the one that waited',
  )
  await says('START')
  t.match(await phone.next(), { text: /^Sie bekommen wieder SMS von uns/ })
  await change(ticket, 'completed')
  t.match((await messages({ ticketId: ticket['id'] }))[0], { template: 'ticket.completed', state: 'held' })
  t.equal(smsc.inbox(otto).length, 3)
})

t.test('another window in pforte.yaml, and a reload: what was held goes out, and by day all goes at once', async (t) => {
  const held = await messages({ state: 'held' })
  t.equal(held.length, 2)
  await pforte.writeYaml(sentOnly(await pforte.readYaml(), 'always'))
  await hangUpSignal()
  for (const { id, to } of held) {
    await delivered(id)
    t.match(shown.get(to)?.at(-1), { text: /Ticket/ })
  }
  const anna = '+491701111111'
  const phone = smsc.phone(anna)
  const ticket = await pforte.post('/v1/tickets', { subject: 'Rückruf', caller: anna })
  t.match(await phone.next(), { text: /^Wir haben Ihr Anliegen erhalten/ })
  await change(ticket, 'in_progress')
  t.match(await phone.next(), { text: /ist jetzt in Arbeit/ })
  const { messageIds } = await pforte.post('/v1/events', {
    type: 'payment.received',
    to: anna,
    data: { amount: written[2], invoice: written[1] },
  })
  t.match(await phone.next(), { text: `Ihre Zahlung über ${written[2]} zur Rechnung ${written[1]} ist eingegangen. Vielen Dank.` })
  await delivered(messageIds[0])
})

t.test(
  'kill -9 with 300 messages on their way: at most one window is uncertain, all others arrive, none twice',
  { timeout: 120_000 },
  async (t) => {
    shown.clear()
    const swallowed = [5, 40].map(numberOf)
    smsc.faults(
      ...swallowed.map((to) => ({ kind: 'drop', to }) as const),
      { kind: 'delay', what: 'response', ms: 40 },
      { kind: 'delay', what: 'receipt', ms: 40 },
    )
    await pile(299)
    // Whoever makes the next ticket wakes the sender for all.
    await pforte.post('/v1/tickets', { subject: 'Rückruf', caller: numberOf(300) })
    await until('a third to have arrived', () => shown.size >= 100)
    await pforte.kill()
    const onTheWire = await states()
    t.ok(onTheWire['queued']! > 0, 'it was in the middle')
    smsc.clearFaults()
    await pforte.run()
    // Whoever has one has its receipt; a receipt settles what was uncertain.
    await until(
      'all that can arrive to have arrived',
      async () => {
        const { delivered = 0, uncertain = 0, ...others } = await states()
        if (delivered !== shown.size || delivered + uncertain < 300) throw new Error(JSON.stringify({ delivered, uncertain, others }))
        return true
      },
      60_000,
    )
    const { rows: were } = await pforte.db.query<{ recipient: string }>(
      `SELECT recipient FROM messages WHERE recipient LIKE '+4915112%' AND trace @> '[{"what": "uncertain"}]'`,
    )
    t.ok(were.length <= WINDOW, `${were.length} were uncertain`)
    t.same(
      [...shown].filter(([, all]) => all.length > 1).map(([to]) => to),
      [],
      'no phone shows one twice',
    )
    const uncertain = await messages({ state: 'uncertain' })
    t.same([...new Set([...shown.keys(), ...uncertain.map(({ to }) => to)])].length, 300, 'each arrived, or is there to be seen')
    for (const to of swallowed) t.ok(uncertain.some((message) => message['to'] === to))
    for (const { trace } of uncertain) {
      t.match(trace.slice(-2), [
        { what: 'uncertain', why: 'its sender died while it was being written' },
        { what: 'left uncertain', why: 'the template prefers a gap to a repeat' },
      ])
    }
  },
)

t.test(
  'the password for the carrier is wrong: it is tried once, and again after a reload; /readyz says what is to be mended',
  async (t) => {
    await pforte.terminate()
    const right = pforte.environment['SMPP_URL']!
    pforte.environment['SMPP_URL'] = right.replace(password, 'Quitten')
    await pforte.run()
    const refused = (): number => smsc.pdus().filter(({ status }) => status === 'ESME_RINVPASWD').length
    const state = await until('the carrier to have refused', async () => {
      const { status, body } = await pforte.request('GET', '/readyz')
      return body['parts'].smsc.detail.includes('refused') && { status, detail: body['parts'].smsc.detail }
    })
    t.match(state, { status: 503, detail: /refused: wrong password \(ESME_RINVPASWD\): correct it in SMPP_URL/ })
    t.notMatch(state.detail, /Quitten/)
    const { id } = await pforte.post('/v1/tickets', { subject: 'Rückruf', caller: '+491702222222' })
    t.match(await messages({ ticketId: id }), [{ state: 'queued' }])
    t.equal(refused(), 1, 'nobody hammers')
    await hangUpSignal()
    await until('it to be tried again after the reload', () => refused() === 2)

    await pforte.terminate()
    pforte.environment['SMPP_URL'] = right
    const phone = smsc.phone('+491702222222')
    await pforte.run()
    t.match(await phone.next(), { text: /^Wir haben Ihr Anliegen erhalten/ }, 'and what waited goes out')
  },
)

t.test('no text, no password and no key stands in the log', async (t) => {
  const places = new Map([['the output of Pforte', pforte.output.join('\n')]])
  const folder = join(pforte.environment['PFORTE_HOME']!, 'log')
  for (const file of await readdir(folder)) places.set(`log/${file}`, await readFile(join(folder, file), 'latin1'))
  const texts = new Set([...shown.values()].flat().map(({ text }) => text.slice(0, 25)))
  t.ok(texts.size > 1)
  for (const [place, output] of places) {
    for (const secret of [...written, ...texts, password, 'Quitten', pforte.environment['PFORTE_API_KEY']!]) {
      t.notOk(output.includes(secret), `${secret} in ${place}`)
    }
  }
})

function numberOf(place: number): string {
  return `+4915112${100_000 + place}`
}

/** As many messages that are due, written beside the sender: it is not told. */
async function pile(count: number): Promise<void> {
  await pforte.db.query(
    `INSERT INTO messages (id, direction, recipient, sender, body, state, template, happened_at, time_zone, due_at, created_at)
     SELECT gen_random_uuid(), 'out', '+4915112' || 100000 + n, $2, 'Ihr Anliegen ist in Arbeit.', 'queued', 'ticket.in_progress', now(),
       'Europe/Berlin', now() - interval '1 minute' + n * interval '1 ms', now() FROM generate_series(1, $1::bigint) n`,
    [count, ours],
  )
}

async function states(): Promise<Record<string, number>> {
  const { rows } = await pforte.db.query<{ state: string; count: string }>(
    `SELECT state, count(*) FROM messages WHERE recipient LIKE '+4915112%' GROUP BY state`,
  )
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}

/** Newest first. */
async function messages(filter: Record<string, string>): Promise<Row[]> {
  return (await pforte.get(`/v1/messages?${new URLSearchParams({ limit: '200', ...filter })}`))['items']
}

function delivered(id: string): Promise<Row> {
  return until(`message ${id} to be delivered`, async () => {
    const message = await pforte.get(`/v1/messages/${id}`)
    return message['state'] === 'delivered' && message
  })
}

async function change({ id }: Row, status: string): Promise<void> {
  const answer = await pforte.request('PATCH', `/v1/tickets/${id}`, { status })
  if (answer.status !== 200) throw new Error(JSON.stringify(answer))
}

async function hangUpSignal(): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(pforte.home, 'home', 'run', 'pforte.json'), 'utf8')) as { pid: number }
  process.kill(pid, 'SIGHUP')
}

/** On every day of the week, whenever the tests run. */
function sentOnly(yaml: string, window: string): string {
  return changed(yaml, ({ sms }) => {
    Object.assign(sms, { window, sundays: true, spread: '0s' })
    delete sms['holidays']
  })
}

/** Half an hour that is some hours away, on Berlin's clock. */
function atNight(): string {
  const { hour } = Temporal.Now.zonedDateTimeISO('Europe/Berlin')
  const other = String(hour < 12 ? hour + 6 : hour - 6).padStart(2, '0')
  return `${other}:00-${other}:30`
}
