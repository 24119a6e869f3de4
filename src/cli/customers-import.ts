/** `npx pforte customers import FILE.csv`: what is wrong with the file, or what came of it. */
import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { mostBytes, type Encoding } from '../app/import/decode.ts'
import {
  importCustomers,
  type ImportCounts,
  type ImportDefaults,
  type ImportOutcome,
  type ImportProgress,
} from '../app/import/import-customers.ts'
import { delimiters, type Delimiter } from '../app/import/table.ts'
import { StoreUnavailable } from '../app/ports/store.ts'
import { configurationIsWrong, type Service } from '../config.ts'
import type { Mistake } from '../domain/import/mistakes.ts'
import { errorCode, PartFailure } from '../local/part-failure.ts'
import type { Progress } from '../local/progress.ts'
import { LetterFile } from './letter-file.ts'
import { progressOnStderr, withStore } from './surroundings.ts'

export type ImportOptions = { dryRun?: boolean; letters?: string; delimiter?: string; encoding?: string }

/** Between two lines that tell how far it is. */
const tellEveryMs = 1_000
const part = 'import'

export async function customersImport(file: string, options: ImportOptions): Promise<number> {
  const delimiter = delimiterOf(options.delimiter)
  const encoding = encodingOf(options.encoding)
  const bytes = await bytesOf(file)
  const progress = progressOnStderr()
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new PartFailure({ part, what: 'stopped', mend: 'Nothing was imported.' }))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    return await withStore(async ({ store, service }) => {
      const isDry = options.dryRun === true
      const letters = options.letters === undefined || isDry ? null : await LetterFile.create(options.letters)
      progress.step(`reading ${file}`)
      const request = {
        bytes,
        encoding,
        delimiter,
        defaults: defaultsOf(service),
        sms: service.sms,
        isDry,
        letters,
        at: Date.now(),
        by: userInfo().username,
      }
      const outcome = await importCustomers({ ...request, stop: stop.signal }, store.imports, teller(file, progress)).catch(
        async (error: unknown) => {
          await letters?.discard()
          throw error instanceof StoreUnavailable ? postgresIsAway(error) : error
        },
      )
      return tell(file, outcome, letters, progress)
    })
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

async function tell(file: string, outcome: ImportOutcome, letters: LetterFile | null, progress: Progress): Promise<number> {
  switch (outcome.is) {
    case 'mistaken':
      await letters?.discard()
      console.error(`\n${outcome.mistakes.map((mistake) => sayMistake(file, mistake)).join('\n')}\n`)
      console.error(
        `✗ ${count(outcome.count, 'mistake')}${outcome.count > outcome.mistakes.length ? `, of which these are ${outcome.mistakes.length}` : ''}; nothing was imported.`,
      )
      return 1
    case 'refused':
      await letters?.discard()
      throw new PartFailure({ part, what: outcome.what, mend: `${outcome.mend} Nothing was imported.` })
    case 'dry':
      progress.done(`${file} is in order`)
      console.log(`${sayCounts(outcome.counts)} would be imported; nothing was.`)
      return 0
    case 'unknown': {
      const left = letters === null ? '' : ` ${await letters.leave()} holds their PINs if so, and is worth nothing otherwise.`
      throw new PartFailure({
        part,
        what: 'Postgres went away as it was asked to commit, and it is not known whether the customers were entered',
        mend: `Import the file again once it is back: either it goes through, or they are there already.${left}`,
      })
    }
    case 'imported':
      await letters?.keep()
      progress.done(`${file} was imported`)
      console.log(`${sayCounts(outcome.counts)} imported.`)
      if (letters !== null)
        console.error(`${letters.path} holds the new PINs, and nothing else ever will. Give it to the letter shop, and then remove it.`)
      return 0
  }
}

function teller(file: string, progress: Progress): ImportProgress {
  let toldAt = 0
  return {
    checked: (customers) => {
      progress.done(`${file} has ${count(customers, 'customer')}, and nothing is wrong with them`)
      progress.step('entering them')
    },
    written: (customers, of) => {
      if (performance.now() - toldAt < tellEveryMs) return
      toldAt = performance.now()
      progress.step(`entering them: ${customers.toLocaleString('en')} of ${of.toLocaleString('en')}`)
    },
  }
}

/** As compilers say it, so that editors jump there. */
function sayMistake(file: string, { line, column, what, mend }: Mistake): string {
  const place = [file, ...(line === null ? [] : [line])].join(':')
  return `${place}: ${column === null ? '' : `${column}: `}${what}. ${mend}`
}

function sayCounts({ customers, contracts, pins }: ImportCounts): string {
  const parts = [
    count(customers, 'customer'),
    count(contracts, 'contract'),
    `${count(pins.drawn + pins.given + pins.sms, 'PIN')} (${pins.drawn.toLocaleString('en')} drawn for letters, ${pins.given.toLocaleString('en')} given, ${pins.sms.toLocaleString('en')} by SMS)`,
  ]
  return `${parts[0]}, ${parts[1]} and ${parts[2]}`
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`
}

function defaultsOf({ lines, timeZone, queues, hours, pin }: Service): ImportDefaults {
  return {
    language: lines[0]?.language ?? 'de',
    timeZone,
    queue: queues[0]?.name ?? '',
    hours: Object.keys(hours),
    pinLength: pin.rules.length,
    customerNumberLength: pin.rules.customerNumberLength,
  }
}

async function bytesOf(file: string): Promise<Buffer> {
  const say = (what: string, mend: string): PartFailure => new PartFailure({ part, what, mend })
  try {
    const there = await stat(file)
    if (there.isDirectory()) throw say(`${file} is a folder`, 'Name the CSV file in it.')
    if (there.size > mostBytes) throw say(`${file} is larger than ${mostBytes / 1024 / 1024} MiB`, 'Divide it.')
    return await readFile(file)
  } catch (error) {
    if (error instanceof PartFailure) throw error
    const code = errorCode(error)
    throw code === 'ENOENT'
      ? say(`there is no ${file}`, 'Look at the name, and at the folder that you are in.')
      : say(`${file} cannot be read (${code ?? String(error)})`, 'Give this user the right to read it.')
  }
}

function delimiterOf(written: string | undefined): Delimiter | null {
  if (written === undefined) return null
  const names: Record<string, Delimiter> = { comma: ',', semicolon: ';', tab: '\t' }
  const delimiter = names[written] ?? delimiters.find((one) => one === written)
  if (delimiter !== undefined) return delimiter
  throw wrongOption('--delimiter', written, 'comma, semicolon or tab')
}

function encodingOf(written: string | undefined): Encoding | null {
  if (written === undefined) return null
  const name = written
    .toLowerCase()
    .replace(/^(utf8)$/, 'utf-8')
    .replace(/^(cp1252|win-?1252)$/, 'windows-1252')
  if (name === 'utf-8' || name === 'windows-1252') return name
  throw wrongOption('--encoding', written, 'utf-8 or windows-1252')
}

function wrongOption(option: string, written: string, known: string): PartFailure {
  return new PartFailure({ part, what: `${option} ${written} is not known`, mend: `Write ${known}.`, exitCode: configurationIsWrong })
}

function postgresIsAway(error: StoreUnavailable): PartFailure {
  return new PartFailure({
    part: 'postgres',
    what: 'it went away',
    mend: 'Nothing was imported. Start it, and import again.',
    cause: error,
  })
}
