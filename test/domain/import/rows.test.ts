import fc from 'fast-check'
import t from 'tap'
import { type Columns, readHeadings } from '../../../src/domain/import/columns.ts'
import type { Mistake } from '../../../src/domain/import/mistakes.ts'
import { type ImportFacts, type ImportedCustomer, RowReader } from '../../../src/domain/import/rows.ts'
import { Twins } from '../../../src/domain/import/twins.ts'

const facts: ImportFacts = {
  language: 'de',
  timeZone: 'Europe/Berlin',
  queue: 'service',
  queues: ['service', 'emergency'],
  hours: ['business'],
  pinLength: 5,
  customerNumberLength: 6,
  e164: (text) => (/^\+?\d[\d /]{4,}$/.test(text) ? `+49${text.replace(/\D/g, '').replace(/^(0|49)/, '')}` : null),
  noSms: (numbers) => (numbers.some((number) => number.startsWith('+491')) ? null : 'none of its numbers is a mobile one'),
}

function read(heading: string, line: string, changes: Partial<ImportFacts> = {}): ImportedCustomer | Mistake[] {
  const { columns } = readHeadings(heading.split(';'), 1)
  const result = new RowReader(columns, { ...facts, ...changes }).read(7, line.split(';'))
  return 'customer' in result ? result.customer : result.mistakes
}

t.test('a line says who the customer is, what they bought, and what becomes of their PIN', async (t) => {
  const heading =
    'Kundennummer;Name;Rufnummern;Sprache;Zeitzone;Leistung;Warteschlange;Priorität;Servicezeiten;SLA-Minuten;Gültig ab;Gültig bis;PIN'
  t.strictSame(
    read(
      heading,
      '4711;Bäckerei Sommer;0621 55501|0171 55501;en;Europe/Vienna;Entstörung 8 h;emergency;5;business;480;01.07.2026;31.12.2026;48291',
    ),
    {
      line: 7,
      name: 'Bäckerei Sommer',
      numbers: ['+4962155501', '+4917155501'],
      language: 'en',
      timeZone: 'Europe/Vienna',
      customerNumber: '4711',
      contract: {
        service: 'Entstörung 8 h',
        queue: 'emergency',
        priority: 5,
        hours: 'business',
        slaMinutes: 480,
        pinBySms: false,
        validFrom: Date.UTC(2026, 5, 30, 22),
        validTo: Date.UTC(2026, 11, 31, 23),
      },
      pin: { is: 'given', pin: '48291' },
    },
  )
})

t.test('what a line leaves out is as the service says', async (t) => {
  t.match(read('name', 'Anna'), { numbers: [], language: 'de', timeZone: 'Europe/Berlin', customerNumber: null, contract: null, pin: null })
  t.match(read('name;service', 'Anna;Concierge'), {
    contract: { queue: 'service', priority: 0, hours: 'always', slaMinutes: null, pinBySms: false, validFrom: null, validTo: null },
    pin: { is: 'draw' },
  })
  t.match(read('name;service;pin', 'Anna;;'), { contract: null, pin: null }, 'without a contract there is no PIN')
})

t.test('a PIN is drawn, given, sent or none', async (t) => {
  const pin = (word: string, more = '') =>
    read(`name;numbers;service;pin${more === '' ? '' : ';pin_by_sms'}`, `Anna;0171 55501;Concierge;${word}${more}`)
  for (const word of ['draw', 'DRAW', '', 'neu']) t.match(pin(word), { pin: { is: 'draw' }, contract: { pinBySms: false } }, word)
  for (const word of ['none', 'keine', '-']) t.match(pin(word), { pin: null }, word)
  t.match(pin('00123'), { pin: { is: 'given', pin: '00123' } })
  t.match(pin('sms'), { pin: { is: 'sms' }, contract: { pinBySms: true } }, 'which the contract thereby allows')
  t.match(pin('sms', ';nein'), [{ column: 'pin', what: /does not allow/ }])
  t.match(pin('draw', ';ja'), { pin: { is: 'draw' }, contract: { pinBySms: true } })
  t.match(read('name;numbers;service;pin', 'Anna;0621 55501;Concierge;sms'), [
    { column: 'pin', what: /none of its numbers is a mobile one/ },
  ])
})

t.test('what a spreadsheet does to a value on its way is named', async (t) => {
  t.match(read('name;numbers', 'Anna;4,91715E+11'), [{ column: 'numbers', what: /rounded/, mend: /as text/ }])
  t.match(read('name;service;pin', 'Anna;x;123'), [{ column: 'pin', what: 'the PIN has 3 digits', mend: /drops zeros in front/ }])
})

t.test('no mistake repeats a PIN', async (t) => {
  for (const word of ['482917', '4829a', '48 291', '4829'])
    t.notMatch(JSON.stringify(read('name;service;pin', `Anna;x;${word}`)), new RegExp(word), word)
})

t.test('every mistake of a line is told, with its column as the file calls it', async (t) => {
  const stories: [what: string, heading: string, line: string, column: string | null, says: RegExp][] = [
    ['no name', 'Kunde;service', ' ;x', 'Kunde', /empty/],
    ['a name like a novel', 'name', 'x'.repeat(201), 'name', /201 characters/],
    ['a name over two lines', 'name', 'Anna\nBeispiel', 'name', /line break/],
    ['a number in words', 'name;Telefon', 'Anna;call me', 'Telefon', /no telephone number/],
    ['a number with a letter', 'name;Telefon', 'Anna;+49621a5501', 'Telefon', /no telephone number/],
    [
      'more numbers than a customer can have',
      'name;numbers',
      `Anna;${Array.from({ length: 21 }, (_, one) => `0171 ${55501 + one}`).join('|')}`,
      'numbers',
      /21 numbers/,
    ],
    ['a customer number of three digits', 'name;Kundennummer', 'Anna;471', 'Kundennummer', /no customer number/],
    ['a customer number that nobody can type', 'name;Kundennummer', 'Anna;4711471', 'Kundennummer', /no customer number/],
    ['a language that is none', 'name;language', 'Anna;Hochdeutsch!', 'language', /no language/],
    ['a time zone on Mars', 'name;time_zone', 'Anna;Mars/Olympus', 'time_zone', /no time zone/],
    ['an offset for a zone', 'name;time_zone', 'Anna;+02:00', 'time_zone', /no time zone/],
    ['a misspelt queue', 'name;service;queue', 'Anna;x;emergancy', 'queue', /no queue "emergancy"/],
    ['hours that nobody defined', 'name;service;hours', 'Anna;x;sundays', 'hours', /no hours "sundays"/],
    ['a priority in words', 'name;service;priority', 'Anna;x;high', 'priority', /no whole number/],
    ['a priority beyond all', 'name;service;priority', 'Anna;x;1001', 'priority', /out of bounds/],
    ['no time at all to mend it', 'name;service;sla_minutes', 'Anna;x;0', 'sla_minutes', /out of bounds/],
    ['a day that no calendar has', 'name;service;valid_from', 'Anna;x;30.02.2026', 'valid_from', /no day/],
    ['a day by the spreadsheet’s count', 'name;service;valid_from', 'Anna;x;46203', 'valid_from', /no day/],
    ['a time without a zone', 'name;service;valid_to', 'Anna;x;2026-02-03T00:00:00', 'valid_to', /no day/],
    ['an end before the beginning', 'name;service;valid_from;valid_to', 'Anna;x;2026-02-03;2026-02-02', 'valid_to', /end before/],
    ['a priority without a contract', 'name;service;priority', 'Anna;;5', 'priority', /of a contract/],
    ['a PIN without a contract', 'name;service;pin', 'Anna;;draw', 'pin', /belongs to a contract/],
    ['a PIN in words', 'name;service;pin', 'Anna;x;secret', 'pin', /is no PIN/],
    ['too many cells', 'name;service', 'Anna;x;y', null, /3 cells, the first line 2/],
    ['a line that is cut off', 'name;service;queue', 'Anna;x', null, /2 cells/],
  ]
  for (const [what, heading, line, column, says] of stories) {
    const mistakes = read(heading, line)
    t.ok(Array.isArray(mistakes), what)
    t.match(mistakes, [{ line: 7, column, what: says, mend: /\w/ }], what)
  }
  t.match(read('name;language;numbers', ';!;x'), { length: 3 }, 'all at once')
  t.match(read('name;service;queue', 'Anna;x;emergancy'), [{ mend: /Did you mean emergency\?/ }])
  t.match(read('name;service', 'Anna;x', { queue: '', queues: [] }), [{ what: /no queue/ }])
  t.same(read('name;service;', 'Anna;x;'), read('name;service', 'Anna;x'), 'a delimiter too many at the end of every line is none')
})

t.test('a day ends when it is over where the customer is, and summer time counts', async (t) => {
  const valid = (from: string, to: string, zone: string) => {
    const row = read('name;service;time_zone;valid_from;valid_to', `Anna;x;${zone};${from};${to}`)
    return 'contract' in row ? [row.contract?.validFrom, row.contract?.validTo] : row
  }
  t.strictSame(valid('2026-03-29', '2026-03-29', 'Europe/Berlin'), [Date.UTC(2026, 2, 28, 23), Date.UTC(2026, 2, 29, 22)])
  t.strictSame(valid('1.1.2026', '', 'Asia/Tokyo'), [Date.UTC(2025, 11, 31, 15), null])
  t.strictSame(valid('2026-07-01T08:00:00+02:00', '', 'Asia/Tokyo'), [Date.UTC(2026, 6, 1, 6), null])
})

t.test('one number, customer number or PIN is in one line only', async (t) => {
  const { columns } = readHeadings('name;Telefon;customer_number;service;pin'.split(';'), 1)
  const twins = new Twins(columns)
  const of = (line: number, cells: string): Mistake[] => {
    const result = new RowReader(columns, facts).read(line, cells.split(';'))
    if (!('customer' in result)) throw new Error('the line is in order')
    return twins.of(result.customer)
  }
  t.same(of(2, 'Anna;0171 55501;4711;x;48291'), [])
  t.same(of(3, 'Ben;0171 55502;4712;x;draw'), [])
  t.match(of(4, 'Cem;+4917155501;4713;x;draw'), [{ line: 4, column: 'Telefon', what: '+4917155501 is in line 2, too' }])
  t.match(of(5, 'Dana;;4712;x;draw'), [{ line: 5, column: 'customer_number', what: '"4712" is in line 3, too' }])
  const samePin = of(6, 'Eva;;;x;48291')
  t.match(samePin, [{ line: 6, column: 'pin', what: 'the same PIN is in line 2' }])
  t.notMatch(JSON.stringify(samePin), /48291/)
})

t.test('whatever stands in a line, it is read or named, and nothing else happens', async () => {
  const { columns }: { columns: Columns } = readHeadings(
    [
      'name',
      'numbers',
      'language',
      'time_zone',
      'customer_number',
      'service',
      'queue',
      'priority',
      'hours',
      'sla_minutes',
      'valid_from',
      'valid_to',
      'pin',
    ],
    1,
  )
  const cell = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      '',
      'service',
      'business',
      'Europe/Berlin',
      'de',
      '2026-02-30',
      '01.07.2026',
      '48291',
      'sms',
      'draw',
      '1e400',
      '=cmd',
      '-1',
      '١٢٣',
    ),
  )
  fc.assert(
    fc.property(fc.array(cell, { minLength: columns.count, maxLength: columns.count }), (cells) => {
      const result = new RowReader(columns, facts).read(2, cells)
      if ('mistakes' in result) return result.mistakes.length > 0 && result.mistakes.every(({ what, mend }) => what !== '' && mend !== '')
      const { customer } = result
      return customer.name !== '' && (customer.pin === null || customer.contract !== null)
    }),
    { numRuns: 2_000 },
  )
})
