import t from 'tap'
import { columnNames, columnOf, readHeadings } from '../../../src/domain/import/columns.ts'

t.test('headings are understood in both languages, in any case and with any signs between', async (t) => {
  for (const [heading, name] of [
    ['Name', 'name'],
    ['Kunden-Nr.', 'customer_number'],
    ['customerNumber', 'customer_number'],
    ['CUSTOMER NUMBER', 'customer_number'],
    ['Gültig ab', 'valid_from'],
    ['Gu\u0308ltig bis', 'valid_to'],
    ['Priorität', 'priority'],
    ['PIN per SMS', 'pin_by_sms'],
    ['slaMinutes', 'sla_minutes'],
    ['Straße', null],
    ['constructor', null],
    ['', null],
  ] as const) {
    t.equal(columnOf(heading), name, heading)
  }
  for (const name of columnNames) t.equal(columnOf(name), name)
})

t.test('a heading that is unknown, missing or there twice is named', async (t) => {
  const mistakes = (...cells: string[]) => readHeadings(cells, 1).mistakes
  t.same(mistakes('name', 'pin'), [])
  t.match(mistakes('name', 'servise'), [{ line: 1, column: 'servise', what: /not a column/, mend: /Did you mean service\?/ }])
  t.match(mistakes('name', 'Straße'), [{ column: 'Straße', mend: /There are: name, numbers/ }])
  t.match(mistakes('name', 'Telefon', 'Rufnummer'), [{ column: 'Rufnummer', what: /means the same as the column Telefon/ }])
  t.match(mistakes('pin'), [{ column: null, what: 'the column name is missing' }])
  t.match(mistakes('name', '', 'pin'), [{ what: 'column 2 has no heading' }])
  t.same(mistakes('name', 'pin', ''), [], 'a delimiter behind the last one means nothing')
})
