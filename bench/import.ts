/**
 * `npx pforte customers import` with a hundred thousand customers, each with a
 * contract, two numbers and a drawn PIN: from the command to its end, its letters
 * included. Beside a Pforte's database, as a process of its own.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { openStore } from '../src/store/open.ts'
import { definitions } from '../test/support/stories.ts'
import { freshDatabase, quiet, rules } from '../test/support/postgres.ts'
import { judged, told, type Figure } from './figure.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 4. */
const CUSTOMERS = 100_000
const BAR_SECONDS = 60
/** Five digits hold no hundred thousand PINs. */
const PIN_LENGTH = 7
const root = join(import.meta.dirname, '..')
const name = 'import'
const secret = 'a secret of the bench, long enough'

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pforte-import-'))
  const database = await freshDatabase()
  try {
    progress.step(`import: a file of ${count(CUSTOMERS)} customers`)
    const environment = await surroundings(folder, database.url)
    const file = join(folder, 'customers.csv')
    await writeFile(file, manyCustomers())
    progress.step('import: looking at it (--dry-run)')
    const dry = await command(environment, [file, '--dry-run'])
    progress.step('import: entering them')
    const letters = join(folder, 'letters.csv')
    const entered = await command(environment, [file, '--letters', letters])
    await check(database.url, letters)
    progress.done('import')
    return [
      judged(
        name,
        `${count(CUSTOMERS)} customers, contracts and drawn PINs of ${PIN_LENGTH} digits, with letters`,
        `${entered.seconds.toFixed(1)} s`,
        `< ${BAR_SECONDS} s`,
        entered.seconds < BAR_SECONDS,
      ),
      told(name, '  a second', count(CUSTOMERS / entered.seconds)),
      told(name, '  reading and checking alone (--dry-run)', `${dry.seconds.toFixed(1)} s`),
    ]
  } finally {
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** As `npm start` would have left it: a database that knows the queues, and a file with longer PINs. */
async function surroundings(folder: string, databaseUrl: string): Promise<Record<string, string>> {
  const store = await openStore({ databaseUrl, secret: Buffer.from(secret), log: quiet, ...rules, pinLength: PIN_LENGTH })
  const { queues } = definitions([])
  await store.calls.syncDefinitions({ ...definitions([]), queues }, Date.now())
  await store.close()
  const yaml = await readFile(join(root, 'pforte.yaml'), 'utf8')
  const config = join(folder, 'pforte.yaml')
  await writeFile(config, yaml.replace(/^pin:\n {2}length: \d+/m, `pin:\n  length: ${PIN_LENGTH}`))
  return { PFORTE_HOME: join(folder, 'home'), PFORTE_CONFIG: config, PFORTE_SECRET: secret, DATABASE_URL: databaseUrl }
}

function manyCustomers(): string {
  const lines = ['name;numbers;customer_number;language;service;queue;priority;sla_minutes;valid_from;pin']
  for (let one = 0; one < CUSTOMERS; one++) {
    const numbers = `+49621${1_000_000 + one} | 0171 ${2_000_000 + one}`
    lines.push(`"Bäckerei Müller; Filiale ${one}";${numbers};${100_000 + one};de;Entstörung 8 h;emergency;${one % 10};480;2026-01-01;draw`)
  }
  return `${lines.join('\r\n')}\r\n`
}

async function command(environment: Record<string, string>, args: string[]): Promise<{ seconds: number }> {
  const began = performance.now()
  const child = spawn(process.execPath, [join(root, 'bin/pforte.mjs'), 'customers', 'import', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  if (code !== 0) throw new Error(`the import ended with ${code}: ${said.slice(-1_000)}`)
  return { seconds: (performance.now() - began) / 1_000 }
}

/** All are there, and every PIN stands in one letter. */
async function check(databaseUrl: string, letters: string): Promise<void> {
  const db = new pg.Client({ connectionString: databaseUrl })
  await db.connect()
  try {
    const { rows } = await db.query(`SELECT (SELECT count(*) FROM customers) AS customers,
      (SELECT count(*) FROM customer_phone_numbers) AS numbers, (SELECT count(*) FROM pins WHERE revoked_at IS NULL) AS pins`)
    const { customers, numbers, pins } = rows[0] as Record<string, string>
    const lines = new Set(
      (await readFile(letters, 'utf8'))
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(';').at(-3)),
    )
    const found = [customers, numbers, pins, lines.size].map(Number)
    if (found.join() !== [CUSTOMERS, 2 * CUSTOMERS, CUSTOMERS, CUSTOMERS].join()) throw new Error(`not all were imported: ${found.join()}`)
  } finally {
    await db.end()
  }
}

const count = (number: number): string => Math.round(number).toLocaleString('en')
