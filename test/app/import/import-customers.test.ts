import t from 'tap'
import type { Test } from 'tap'
import { importCustomers, type ImportDefaults, type ImportOutcome, type ImportRequest } from '../../../src/app/import/import-customers.ts'
import type { Letters } from '../../../src/app/ports/imports.ts'
import { StoreUnavailable } from '../../../src/app/ports/store.ts'
import type { StoreOptions } from '../../../src/store/open.ts'
import { losingProxy } from '../../support/losing-proxy.ts'
import { freshDatabase, testStore } from '../../support/postgres.ts'
import { definition } from '../../store/sms/status-line.ts'
import { customerWithPin, monday, question, serviceWith, valueOf } from '../../support/stories.ts'

const defaults: ImportDefaults = {
  language: 'de',
  timeZone: 'Europe/Berlin',
  queue: 'emergency',
  hours: ['business'],
  pinLength: 5,
  customerNumberLength: 6,
}

/** What the letter shop would get. */
class Pile implements Letters {
  text = ''
  isFlushed = false
  async append(text: string): Promise<void> {
    this.text += text
  }
  async flush(): Promise<void> {
    this.isFlushed = true
  }
  /** By customer number. */
  pins(): Map<string, string> {
    const lines = this.text.slice(1).trimEnd().split('\r\n').slice(1)
    return new Map(lines.map((line) => [line.split(';')[1]!, line.split(';')[4]!]))
  }
}

async function office(t: Test, changes: Partial<StoreOptions> = {}) {
  const store = await testStore(t, changes)
  await serviceWith(store, [])
  const told: string[] = []
  const bring = (text: string, more: Partial<ImportRequest> = {}): Promise<ImportOutcome> =>
    importCustomers(
      {
        bytes: Buffer.from(text),
        encoding: null,
        delimiter: null,
        sms: null,
        defaults: { ...defaults, pinLength: changes.pinLength ?? 5 },
        isDry: false,
        letters: null,
        at: monday,
        by: 'office',
        stop: new AbortController().signal,
        ...more,
      },
      store.imports,
      { checked: (customers) => told.push(`checked ${customers}`), written: (customers, of) => told.push(`${customers} of ${of}`) },
    )
  const count = async (table: string): Promise<number> => Number((await store.query(`SELECT count(*) FROM ${table}`)).rows[0].count)
  const opens = async (pin: string): Promise<string> => (await store.calls.checkPin(question(pin, { caller: null, trunk: null }))).result.is
  return { store, bring, count, opens, told }
}

const file = `Kundennummer;Name;Rufnummern;Leistung;Warteschlange;Priorität;Gültig ab;PIN
4711;Bäckerei Sommer;0621 55501|0171 5550123;Entstörung 8 h;emergency;5;01.01.2026;draw
4712;Anna Beispiel;;Concierge;;;;48291
;Ben Muster;+43 1 58058;;;;;
4714;"Café ""Vier"";";0621 55504;Entstörung 24 h;billing;;;none
`

t.test('a file of customers comes in as if each had been entered by hand', async (t) => {
  const { store, bring, opens, told } = await office(t)
  const letters = new Pile()
  const outcome = await bring(file, { letters })
  t.strictSame(outcome, {
    is: 'imported',
    counts: { customers: 4, contracts: 3, pins: { drawn: 1, given: 1, sms: 0 } },
    encoding: 'utf-8',
    delimiter: ';',
  })
  t.same(told, ['checked 4', '4 of 4'])
  const { records } = store
  const find = async (name: string) => (await records.customers({ name }, { limit: 9, cursor: null })).items[0]!
  t.match(await find('bäckerei'), {
    customerNumber: '4711',
    name: 'Bäckerei Sommer',
    numbers: ['+4962155501', '+491715550123'],
    language: 'de',
    timeZone: 'Europe/Berlin',
    createdAt: monday,
  })
  t.match(await find('ben'), { customerNumber: /^\d{6}$/, numbers: ['+43158058'] }, 'who has no customer number gets one')
  t.match(await find('café'), { name: 'Café "Vier";' })
  const contracts = async (name: string) => (await records.contracts((await find(name)).id, { limit: 9, cursor: null }))!.items
  t.match(await contracts('bäckerei'), [
    { service: 'Entstörung 8 h', queue: 'emergency', priority: 5, validFrom: Date.UTC(2025, 11, 31, 23) },
  ])
  t.match(await contracts('ben'), { length: 0 })

  t.ok(letters.isFlushed)
  const pins = letters.pins()
  t.same([...pins.keys()], ['4711', '4712'], 'a letter for each new PIN')
  t.equal(pins.get('4712'), '48291')
  for (const pin of pins.values()) t.equal(await opens(pin), 'right')
})

t.test('who imported is on record, and what was drawn for whom is not', async (t) => {
  const { store, bring } = await office(t)
  const letters = new Pile()
  await bring(file, { letters })
  const { items } = await store.records.audit({ actor: 'office' }, { limit: 50, cursor: null })
  t.same(new Set(items.map(({ actor }) => JSON.stringify(actor))), new Set(['{"cli":"office"}']))
  t.same(new Set(items.map(({ object }) => object)), new Set(['customer', 'phone_number', 'contract', 'pin']))
  for (const pin of letters.pins().values()) t.notMatch(JSON.stringify(items.map(({ after }) => after)), `"${pin}"`)
})

t.test('a PIN that was drawn stands in the letters, and in no row', async (t) => {
  const { store, bring } = await office(t)
  const letters = new Pile()
  await bring(file, { letters })
  const { rows } = await store.query(`SELECT row_to_json(p)::text AS row FROM pins p UNION ALL SELECT row_to_json(k)::text FROM customers k
    UNION ALL SELECT row_to_json(c)::text FROM contracts c`)
  for (const pin of letters.pins().values()) t.notMatch(rows.map(({ row }) => row).join(), new RegExp(`\\b${pin}\\b`))
})

t.test('one wrong line, and nobody is entered; all that is wrong is told at once', async (t) => {
  const { store, bring, count } = await office(t)
  await customerWithPin(store.records, '48291', { number: '+4962155501' })
  valueOf(
    await store.records.createCustomer(
      { name: 'x', numbers: [], language: 'de', timeZone: 'Europe/Berlin', customerNumber: '4714' },
      monday,
    ),
  )
  const letters = new Pile()
  const outcome = await bring(`${file}4712;Eva;0171 5550123;x;nowhere;;;\n`, { letters })
  t.match(outcome, {
    is: 'mistaken',
    count: 4,
    mistakes: [
      { line: 2, column: 'Rufnummern', what: '+4962155501 belongs to a customer who is there already' },
      { line: 3, column: 'PIN', what: 'this PIN cannot be issued' },
      { line: 5, column: 'Kundennummer', what: '"4714" is a customer who is there already' },
      { line: 6, column: 'Warteschlange', what: 'there is no queue "nowhere"' },
    ],
  })
  t.notMatch(JSON.stringify(outcome), /48291|Weber/, 'it says neither the PIN nor whose it is')
  t.equal(letters.text, '', 'and no letter was begun')
  t.equal(await count('customers'), 2)
})

t.test('a hundred mistakes are told, and how many there are', async (t) => {
  const { bring } = await office(t)
  const outcome = await bring(`name;pin\n${';x\n'.repeat(70)}`)
  t.match(outcome, { is: 'mistaken', count: 140, mistakes: { length: 100 } })
})

t.test('a dry run finds what a real one would, and writes nothing', async (t) => {
  const { bring, count } = await office(t)
  t.match(await bring(file, { isDry: true }), { is: 'dry', counts: { customers: 4, pins: { drawn: 1, given: 1 } } })
  t.match(await bring(file.replace('0621 55504', '0621 55501'), { isDry: true }), { is: 'mistaken', mistakes: [{ line: 5 }] })
  t.equal(await count('customers'), 0)
})

t.test('PINs are not drawn for nobody to see', async (t) => {
  const { bring, count } = await office(t)
  t.match(await bring(file), { is: 'refused', what: /1 PINs would be drawn, and nobody would ever see them/, mend: /--letters/ })
  t.equal(await count('customers'), 0)
  t.match(await bring(file.replace('draw', 'none')), { is: 'imported' }, 'given ones need no letter')
})

t.test('more PINs than there are of this length are refused before anything is written', async (t) => {
  const { bring, count } = await office(t, { pinLength: 3 })
  const many = `name;service;pin\n${Array.from({ length: 901 }, (_, one) => `Kunde ${one};x;draw`).join('\n')}\n`
  const letters = new Pile()
  t.match(await bring(many, { letters }), { is: 'refused', what: /901 more PINs of 3 digits/, mend: /length: 5 under pin/ })
  t.equal(letters.text, '')
  t.equal(await count('customers'), 0)
})

t.test('PINs are drawn apart from each other and from those that are out, until nearly all are', async (t) => {
  const { store, bring, count, opens } = await office(t, { pinLength: 3 })
  await customerWithPin(store.records, '457')
  const letters = new Pile()
  const many = `name;service;pin\nEva;x;458\n${Array.from({ length: 880 }, (_, one) => `Kunde ${one};x;draw`).join('\n')}\n`
  t.match(await bring(many, { letters }), { is: 'imported' })
  const pins = new Set(letters.pins().values())
  t.equal(pins.size, 881)
  t.notOk(pins.has('457'))
  t.notOk(pins.has('123'), 'none that everybody tries first')
  t.equal(await opens('457'), 'right')
  t.equal(await count('pins'), 882)
})

t.test('customer numbers are drawn around those that are given, in the file too', async (t) => {
  const { store, bring } = await office(t)
  valueOf(
    await store.records.createCustomer(
      { name: 'x', numbers: [], language: 'de', timeZone: 'Europe/Berlin', customerNumber: '100002' },
      monday,
    ),
  )
  t.match(await bring('name;customer_number\nAnna;\nBen;100001\nCem;\n'), { is: 'imported' })
  const { rows } = await store.query('SELECT customer_number FROM customers ORDER BY 1')
  t.same(
    rows.map((row) => row.customer_number),
    ['100001', '100002', '100003', '100004'],
  )
  await store.query(`SELECT setval('customer_numbers_drawn', 999998)`)
  t.match(await bring('name\nDana\nEva\n'), { is: 'refused', mend: /customer_number_length/ })
})

t.test('who is stopped in the middle has imported nobody', async (t) => {
  const { bring, count } = await office(t)
  const stop = new AbortController()
  const many = `name;service;pin\n${Array.from({ length: 3_000 }, (_, one) => `Kunde ${one};x;draw`).join('\n')}\n`
  const letters = new Pile()
  letters.flush = async () => stop.abort(new Error('stopped'))
  await t.rejects(bring(many, { letters, stop: stop.signal }), { message: 'stopped' })
  t.equal(await count('customers'), 0)
  t.equal(await count('pins'), 0)
})

t.test('the answer to the COMMIT is lost: whether it happened is found out', async (t) => {
  const database = await freshDatabase()
  t.teardown(() => database.drop())
  const wire = await losingProxy(t, database.url)
  const { bring, count, opens } = await office(t, { databaseUrl: wire.url })
  const letters = new Pile()
  wire.loseNextCommit('import customers')
  t.match(await bring(file, { letters }), { is: 'imported' })
  t.equal(await count('customers'), 4)
  for (const pin of letters.pins().values()) t.equal(await opens(pin), 'right', 'the letters are true')
})

t.test('Postgres goes away in the middle: nobody is imported', async (t) => {
  const { store, bring, count } = await office(t)
  const letters = new Pile()
  letters.flush = async () => {
    await store.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pforte import' AND datname = current_database()`,
    )
  }
  await t.rejects(bring(file, { letters }), StoreUnavailable)
  t.equal(await count('customers'), 0)
  t.match(await bring(file, { letters: new Pile() }), { is: 'imported' }, 'and the next one goes through')
})

t.test('letters that cannot be written leave no customers behind', async (t) => {
  const { bring, count } = await office(t)
  const letters = new Pile()
  letters.flush = () => Promise.reject(new Error('no space is left'))
  await t.rejects(bring(file, { letters }), { message: 'no space is left' })
  t.equal(await count('customers'), 0)
})

t.test('somebody enters one of the customers while the file is being read', async (t) => {
  const { store, bring, count } = await office(t)
  const letters = new Pile()
  // The letters begin after everything was checked.
  letters.append = async () => {
    await store.records.createCustomer({ name: 'x', numbers: ['+4962155501'], language: 'de', timeZone: 'Europe/Berlin' }, monday)
    letters.append = Pile.prototype.append
  }
  t.match(await bring(file, { letters }), { is: 'refused', what: /a moment ago/, mend: /Import it again/ })
  t.equal(await count('customers'), 1)
})

t.test('two imports of one file take turns, and one of them wins', async (t) => {
  const { bring, count } = await office(t)
  // The letters begin after everything was checked: both have, before either writes.
  const checked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const both = Promise.all(checked.map(({ promise }) => promise))
  const outcomes = await Promise.all(
    checked.map(({ resolve }) => {
      const letters = new Pile()
      letters.append = async (text) => {
        resolve()
        await both
        return Pile.prototype.append.call(letters, text)
      }
      return bring(file, { letters })
    }),
  )
  t.same(outcomes.map(({ is }) => is).sort(), ['imported', 'refused'])
  t.equal(await count('customers'), 4)
})

t.test('a file of Windows with commas and CR LF', async (t) => {
  const { store, bring } = await office(t)
  const bytes = Buffer.from('sep=,\r\nName,Rufnummer\r\nM\xfcller,"0621 55501;0621 55502"\r\n', 'latin1')
  t.match(await bring('', { bytes }), { is: 'imported', encoding: 'windows-1252', delimiter: ',' })
  t.match(await store.records.customers({ name: 'müller' }, { limit: 9, cursor: null }), {
    items: [{ numbers: ['+4962155501', '+4962155502'] }],
  })
})

t.test('headings and nobody, or headings that are none', async (t) => {
  const { bring } = await office(t)
  t.match(await bring('name;pin\n'), { is: 'mistaken', mistakes: [{ line: null, what: /headings and no customers/ }] })
  t.match(await bring('name;nummer\nAnna;1\n'), { is: 'mistaken', mistakes: [{ line: 1, column: 'nummer', what: /not a column/ }] })
  t.match(await bring('Anna;0621 55501\nBen;0621 55502\n'), { is: 'mistaken', mistakes: { length: 3 } }, 'no headings at all')
})

t.test('some get their PIN by SMS: it is in no letter, and waits for its carrier', async (t) => {
  const { store, bring, opens, count } = await office(t)
  const sms = definition()
  await store.outbox.useSms(sms, monday)
  const heading = 'name;numbers;service;pin;language\n'
  t.match(await bring(`${heading}Anna;0621 55501;x;sms;de\n`, { sms }), {
    is: 'mistaken',
    mistakes: [{ line: 2, column: 'pin', what: /no mobile number/ }],
  })
  t.match(await bring(`${heading}Anna;0171 5550123;x;sms;de\n`), { is: 'mistaken', mistakes: [{ what: /no section sms/ }] })
  await store.query(
    `INSERT INTO sms_consents (number, purpose, is_in, said_at, said_over) VALUES ('+491715550123', 'all', false, $1, 'api')`,
    [new Date(monday)],
  )
  t.match(await bring(`${heading}Anna;0171 5550123;x;sms;de\n`, { sms }), {
    is: 'mistaken',
    mistakes: [{ what: /\+491715550123 opted out/ }],
  })
  t.equal(await count('customers'), 0)

  const letters = new Pile()
  const outcome = await bring(`${heading}Anna;0171 5550124;x;sms;de\nBen;0621 55501|0171 5550125;x;sms;en\nCem;;x;draw;de\n`, {
    sms,
    letters,
  })
  t.match(outcome, { is: 'imported', counts: { pins: { drawn: 1, given: 0, sms: 2 } } })
  t.equal(letters.pins().size, 1)
  const { items } = await store.records.messages({ template: 'pin.issued' }, { limit: 9, cursor: null })
  t.same(items.map(({ to, state }) => `${to} ${state}`).sort(), ['+491715550124 queued', '+491715550125 queued'])
  for (const { text } of items) t.match(text, /•••••/)
  const sent = new Map<string, string>()
  await store.outbox.claim({
    at: monday + 1000,
    sender: 'the test',
    most: 9,
    take: ({ to, text }) => {
      sent.set(to, text)
      return { unsendable: 'for the test' }
    },
    untake: () => {},
  })
  t.match(sent.get('+491715550125'), /^Your PIN for our service hotline is \d{5}\./)
  for (const text of sent.values()) t.equal(await opens(/\d{5}/.exec(text)![0]), 'right')
})
