/** `npx pforte customers import`, as an office runs it: with its own process, files and exit codes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { testStore } from '../support/postgres.ts'
import { monday, question, serviceWith } from '../support/stories.ts'

t.setTimeout(120_000)

const root = join(import.meta.dirname, '../..')
const secret = Buffer.from('the secret of this office, long enough')
const folder = await mkdtemp(join(tmpdir(), 'pforte-office-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const store = await testStore(t, { secret })
await serviceWith(store, [])

const at = (name: string): string => join(folder, name)
const parts = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.endsWith('.part'))
const customers = async (): Promise<number> => Number((await store.query('SELECT count(*) FROM customers')).rows[0].count)

function begin(args: string[]) {
  const child = spawn(process.execPath, [join(root, 'bin/pforte.mjs'), 'customers', 'import', ...args], {
    env: {
      ...process.env,
      PFORTE_HOME: at('home'),
      PFORTE_CONFIG: join(root, 'pforte.yaml'),
      PFORTE_SECRET: secret.toString(),
      DATABASE_URL: store.url,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]).then(([out, err, [code]]) => ({
    out,
    err,
    code,
  }))
  return { child, ended }
}
const run = (...args: string[]) => begin(args).ended

const file = at('customers.csv')
await writeFile(
  file,
  'Name;Rufnummern;Leistung;Warteschlange;PIN\nBäckerei Sommer;0621 55501;Entstörung;emergency;draw\n=Anna;0171 5550123;Concierge;emergency;48291\n',
)

await t.test('what a dry run says, and what it leaves: nothing', async (t) => {
  const { out, err, code } = await run(file, '--dry-run', '--letters', at('letters.csv'))
  t.equal(code, 0, err)
  t.equal(out, '2 customers, 2 contracts and 2 PINs (1 drawn for letters, 1 given, 0 by SMS) would be imported; nothing was.\n')
  t.equal(await customers(), 0)
  t.same(
    (await readdir(folder)).filter((name) => name.startsWith('letters')),
    [],
  )
})

await t.test('mistakes are told as an editor finds them, and nothing is left of the letters', async (t) => {
  const wrong = at('wrong.csv')
  await writeFile(wrong, 'name;queue;service\nAnna;emergancy;x\n;;\n;emergency;x\n')
  const { out, err, code } = await run(wrong, '--letters', at('letters.csv'))
  t.equal(code, 1)
  t.equal(out, '')
  t.match(err, `${wrong}:2: queue: there is no queue "emergancy". Did you mean emergency?`)
  t.match(err, `${wrong}:4: name: is empty.`)
  t.match(err, '2 mistakes; nothing was imported.')
  t.same(
    (await readdir(folder)).filter((name) => name.startsWith('letters')),
    [],
  )
})

await t.test('what is no file of customers', async (t) => {
  await mkdir(at('folder.csv'))
  await writeFile(at('empty.csv'), '')
  await writeFile(at('utf16.csv'), Buffer.from('\ufeffname;pin\r\nAnna;', 'utf16le'))
  for (const [args, code, says] of [
    [[at('folder.csv')], 1, /folder\.csv is a folder/],
    [[at('missing.csv')], 1, /there is no .*missing\.csv/],
    [[at('empty.csv')], 1, /empty\.csv: is empty/],
    [[at('utf16.csv')], 1, /utf16\.csv: is in UTF-16/],
    [[file, '--delimiter', 'slash'], 2, /--delimiter slash is not known.*\n.*comma, semicolon or tab/],
    [[file, '--encoding', 'ebcdic'], 2, /utf-8 or windows-1252/],
    [[file], 1, /1 PINs would be drawn, and nobody would ever see them[\s\S]*--letters FILE/],
    [[file, '--letters', at('nowhere/letters.csv')], 1, /there is no folder .*nowhere/],
    [[file, '--letters', at('wrong.csv')], 1, /wrong\.csv is there already/],
    [[], 2, /missing required argument 'file'/],
  ] as const) {
    const { err, code: ended } = await run(...args)
    t.equal(ended, code, args.join(' '))
    t.match(err, says)
    t.notMatch(err, /\n {4}at /, 'in words, not as a stack')
  }
  t.equal(await customers(), 0)
  t.same(await parts(), [])
})

await t.test('letters of an import that was cut off are not written over', async (t) => {
  await writeFile(at('letters.csv.part'), 'PINs, perhaps')
  const { err, code } = await run(file, '--letters', at('letters.csv'))
  t.equal(code, 1)
  t.match(err, /letters\.csv\.part is there: it is of an import that is under way or was cut off/)
  t.equal(await readFile(at('letters.csv.part'), 'utf8'), 'PINs, perhaps')
  await rm(at('letters.csv.part'))
})

await t.test('the import: customers in Postgres, PINs in the letters, for this user only, and nowhere else', async (t) => {
  const { out, err, code } = await run(file, '--letters', at('letters.csv'))
  t.equal(code, 0, err)
  t.equal(out, '2 customers, 2 contracts and 2 PINs (1 drawn for letters, 1 given, 0 by SMS) imported.\n')
  t.equal((await stat(at('letters.csv'))).mode & 0o777, 0o600)
  t.same(await parts(), [])
  const lines = (await readFile(at('letters.csv'), 'utf8')).split('\r\n')
  t.equal(lines[0], '\ufeffline;customer_number;name;service;pin;valid_from;valid_to')
  t.match(lines[1], /^2;\d{6};Bäckerei Sommer;Entstörung;\d{5};;$/)
  t.match(lines[2], /^3;\d{6};'=Anna;Concierge;48291;;$/, 'a name that is a formula is text')
  const drawn = lines[1]!.split(';')[4]!
  for (const pin of [drawn, '48291']) {
    t.equal((await store.calls.checkPin(question(pin, { at: Date.now() }))).result.is, 'right')
    t.notMatch(out + err, pin)
  }
  const { rows } = await store.query(`SELECT name, created_at > $1 AS is_new FROM customers ORDER BY name`, [new Date(monday)])
  t.same(rows, [
    { name: '=Anna', is_new: true },
    { name: 'Bäckerei Sommer', is_new: true },
  ])
  const again = await run(file, '--letters', at('more-letters.csv'))
  t.equal(again.code, 1)
  t.match(again.err, /:2: Rufnummern: \+4962155501 belongs to a customer who is there already/)
})

await t.test('Ctrl-C in the middle: nobody is imported, and no letter is left', async (t) => {
  const many = at('many.csv')
  await writeFile(
    many,
    `name;service;queue;pin\n${Array.from({ length: 20_000 }, (_, one) => `Kunde ${one};x;emergency;draw`).join('\n')}\n`,
  )
  const before = await customers()
  const { child, ended } = begin([many, '--letters', at('many-letters.csv')])
  child.stderr.on('data', (chunk) => {
    if (String(chunk).includes('entering')) child.kill('SIGINT')
  })
  const { code, err } = await ended
  t.equal(code, 1)
  t.match(err, /stopped/)
  t.equal(await customers(), before)
  t.same(await parts(), [])
  t.notOk((await readdir(folder)).includes('many-letters.csv'))
})

await t.test('a folder where nobody may write', { skip: process.getuid?.() === 0 ? 'root may write anywhere' : false }, async (t) => {
  await mkdir(at('closed'))
  await chmod(at('closed'), 0o500)
  const { err, code } = await run(file, '--letters', at('closed/letters.csv'))
  t.equal(code, 1)
  t.match(err, /cannot be written \(EACCES\)/)
})
