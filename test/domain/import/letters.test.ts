import fc from 'fast-check'
import t from 'tap'
import { letterHeadings, letterLine } from '../../../src/domain/import/letters.ts'
import { readTable } from '../../../src/app/import/table.ts'

const letter = { line: 2, customerNumber: '4711', name: 'Anna', service: 'Concierge', pin: '00421', validFrom: null, validTo: null }

t.test('the letter shop gets a line for each PIN, as spreadsheets of this country read it', async (t) => {
  t.equal(letterHeadings(';'), '\ufeffline;customer_number;name;service;pin;valid_from;valid_to\r\n')
  t.equal(letterLine({ ...letter, validFrom: 0 }, ';'), '2;4711;Anna;Concierge;00421;1970-01-01T00:00:00.000Z;\r\n')
  t.equal(letterLine({ ...letter, name: 'Sommer; "Café"' }, ';'), '2;4711;"Sommer; ""Café""";Concierge;00421;;\r\n')
})

t.test('a name is never run as a formula by whoever opens the file', async (t) => {
  for (const name of ['=cmd|"/c calc"!A1', '+1', '-1', '@SUM(A1)', '\tx']) {
    const line = letterLine({ ...letter, name }, ';')
    t.match(line, /;"?'/, name)
  }
})

t.test('what is written is read again, whatever the name holds', async () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => text.replace(/[\r\n\0\ufeff]/g, ''))
  fc.assert(
    fc.property(text, text, fc.constantFrom(';', ',', '\t'), (name, service, delimiter) => {
      const table = readTable(letterHeadings(delimiter).slice(1) + letterLine({ ...letter, name, service }, delimiter), delimiter as ';')
      if ('mistake' in table) return false
      const [, , readName, readService, pin] = table.rows[0]?.cells ?? []
      const plain = (written: string | undefined) => written?.replace(/^'(?=[=+\-@\t\r])/, '')
      return plain(readName) === name && plain(readService) === service && pin === '00421'
    }),
  )
})
