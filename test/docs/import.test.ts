/** docs/import.md does what it says, with the file that lies beside it. */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { testStore } from '../support/postgres.ts'
import { definitions } from '../support/stories.ts'
import { commandsOf, runCommands } from './shell.ts'

t.setTimeout(120_000)

const root = join(import.meta.dirname, '../..')
const secret = 'the secret of the page, long enough'

t.test('docs/import.md: every command works, and leaves the customers that it says', async (t) => {
  const store = await testStore(t, { secret: Buffer.from(secret) })
  // As pforte.yaml has them.
  const [queue] = definitions([]).queues
  await store.calls.syncDefinitions(
    definitions([], { queues: ['support', 'emergency'].map((name) => ({ ...queue!, name, group: name })) }),
    Date.now(),
  )
  const folder = await mkdtemp(join(tmpdir(), 'pforte-docs-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'docs'))
  await cp(join(root, 'docs/customers.csv'), join(folder, 'docs/customers.csv'))

  const npx = `npx() { shift; '${process.execPath}' '${join(root, 'bin/pforte.mjs')}' "$@"; }\n`
  const { code, said } = await runCommands(npx + (await commandsOf('import.md')), folder, {
    PFORTE_HOME: join(folder, 'home'),
    PFORTE_CONFIG: join(root, 'pforte.yaml'),
    PFORTE_SECRET: secret,
    DATABASE_URL: store.url,
  })
  t.equal(code, 0, said.slice(-3000))
  t.match(said, '4 customers, 3 contracts and 3 PINs (2 drawn for letters, 0 given, 1 by SMS) imported.')
  const { items } = await store.records.customers({}, { limit: 9, cursor: null })
  t.same(items.map(({ customerNumber }) => customerNumber).sort(), ['471101', '471102', '471103', '471104'])
})
