import t from 'tap'
import { decode } from '../../../src/app/import/decode.ts'
import { readTable } from '../../../src/app/import/table.ts'

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding)
const marked = (text: string) => bytes(`\ufeff${text}`)

t.test('UTF-8 and what a German Windows writes are told apart by what stands in the file', async (t) => {
  const text = 'name\nBäckerei Müller – Straße 5 €\n'
  t.same(decode(bytes(text), null), { text, encoding: 'utf-8' })
  t.same(decode(marked(text), null), { text, encoding: 'utf-8' }, 'the mark in front is no part of the first heading')
  const windows = Buffer.concat([bytes('name\nB\xe4ckerei M\xfcller ', 'latin1'), Buffer.from([0x96, 0x20, 0x80, 0x0a])])
  t.same(decode(windows, null), { text: 'name\nBäckerei Müller – €\n', encoding: 'windows-1252' })
  t.same(decode(bytes('name\nAnna\n'), null), { text: 'name\nAnna\n', encoding: 'utf-8' })
  t.match(decode(bytes('name\nÃ¤\n'), 'windows-1252'), { encoding: 'windows-1252' }, 'who asks for it gets it')
})

t.test('a file that is no text, or in another encoding, is named for what it is', async (t) => {
  const stories: [what: string, file: Buffer, asked: 'utf-8' | null, line: number | null, says: RegExp][] = [
    ['nothing', Buffer.alloc(0), null, null, /is empty/],
    ['a mark and nothing', marked(''), null, null, /is empty/],
    ['UTF-16 with its mark', Buffer.concat([Buffer.from([0xff, 0xfe]), bytes('name\nAnna', 'utf16le')]), null, null, /UTF-16/],
    ['UTF-16 the other way round', Buffer.concat([Buffer.from([0xfe, 0xff]), bytes('name', 'utf16le').swap16()]), null, null, /UTF-16/],
    ['UTF-16 without a mark', bytes('name\nAnna', 'utf16le'), null, null, /UTF-16/],
    ['NUL octets', bytes('name\nAnna\nBe\0n\n'), null, 3, /NUL/],
    ['half a letter at the end', bytes('name\nMüller\nMü').subarray(0, -1), null, 3, /cut in half/],
    ['half a letter, and the mark says UTF-8', marked('name\nMü').subarray(0, -1), null, 2, /cut in half/],
    ['two files in two encodings', Buffer.concat([bytes('name\nMüller\n'), bytes('M\xfcller\n', 'latin1')]), null, 3, /not UTF-8/],
    ['not what was asked for', bytes('name\nM\xfcller\n', 'latin1'), 'utf-8', 2, /not UTF-8/],
  ]
  for (const [what, file, asked, line, says] of stories) {
    t.match(decode(file, asked), { mistake: { line, what: says, mend: /\w/ } }, what)
  }
})

t.test('what is between the cells is told by the headings, or by Excel’s first line', async (t) => {
  for (const [text, delimiter, line] of [
    ['name;pin\nAnna;1', ';', 2],
    ['name,pin\nAnna,1', ',', 2],
    ['name\tpin\nAnna\t1', '\t', 2],
    ['"Name","PIN"\r\n"Anna","1"\r\n', ',', 2],
    ['sep=;\r\nname;pin\r\nAnna;1\r\n', ';', 3],
    ['sep=,\nname,pin\nAnna,1', ',', 3],
    ['\n\nname;pin\n\n;\nAnna;1\n', ';', 6],
    ['name;pin\rAnna;1\r', ';', 2],
  ] as const) {
    t.match(readTable(text, null), { delimiter, heading: { cells: [/name/i, /pin/i] }, rows: [{ line, cells: ['Anna', '1'] }] }, text)
  }
  t.match(readTable('name\nAnna, Ben', null), { rows: [{ cells: [/Anna/] }] })
  t.match(readTable('name,pin;x\nAnna,1;2', ';'), { heading: { cells: ['name,pin', 'x'] } }, 'who says it is heard')
})

t.test('lines are counted as an editor counts them', async (t) => {
  const table = readTable('name;service\r\n"Anna\r\nBeispiel";x\r\n\r\nBen;"y\nz"\r\nCem;w', null)
  t.match(table, { rows: [{ line: 2 }, { line: 5, cells: ['Ben', 'y\nz'] }, { line: 7 }] })
})

t.test('a file that cannot be read to its end is named at the line where it goes wrong', async (t) => {
  for (const [what, text, line, says] of [
    ['a quote that never ends', 'name;service\nAnna;x\nBen;"y\nCem;z\n', 3, /opened here or soon after and not closed/],
    ['a quote that ends much later', `name;service\nAnna;"x\n${'Ben;y\n'.repeat(20_000)}Cem;"z"\n`, 2, /not closed/],
    ['a quote in the middle', 'name;service\nAnna;x\nBen;y"z\n', 3, /a quote is where none can be/],
    ['a text behind a quote', 'name;service\n"Ben"y;z\n', 2, /a quote is where none can be/],
    ['a cell of a megabyte', `name;service\nAnna;x\n${'x'.repeat(1024 * 1024)};y\n`, 3, /endless/],
    ['empty lines and nothing else', '\n\n;;\n', null, /is empty/],
  ] as const) {
    t.match(readTable(text, null), { mistake: { line, what: says, mend: /\w/ } }, what)
  }
})
