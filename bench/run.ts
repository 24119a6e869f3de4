/**
 * `npm run bench`: measures what Pforte must reach and shows it in one table.
 * A name runs one bench alone; `--minutes` shortens the soak for a try. Ends
 * with 1 if a bar is missed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createProgress, type Progress } from '../src/local/progress.ts'
import { prepareTestParts } from '../test/support/parts.ts'
import { table, type Figure } from './figure.ts'

export type BenchOptions = { progress: Progress; minutes: number }
type Bench = { needsParts: boolean; load: () => Promise<{ run(options: BenchOptions): Promise<Figure[]> }> }

const BENCHES: Record<string, Bench> = {
  domain: { needsParts: false, load: () => import('./domain.ts') },
  dispatch: { needsParts: true, load: () => import('./dispatch.ts') },
  survive: { needsParts: true, load: () => import('./survive.ts') },
  'call-cpu': { needsParts: true, load: () => import('./call-cpu.ts') },
  sms: { needsParts: true, load: () => import('./sms.ts') },
  events: { needsParts: true, load: () => import('./events.ts') },
  lists: { needsParts: true, load: () => import('./lists.ts') },
  import: { needsParts: true, load: () => import('./import.ts') },
  live: { needsParts: true, load: () => import('./live.ts') },
  soak: { needsParts: true, load: () => import('./soak.ts') },
}
const SOAK_MINUTES = '10'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { minutes: { type: 'string', default: SOAK_MINUTES } } })
const unknown = positionals.filter((name) => !(name in BENCHES))
const minutes = Number(values.minutes)
if (unknown.length > 0 || !(minutes > 0)) {
  console.error(
    unknown.length > 0
      ? `There is no bench ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}.`
      : '--minutes takes a number, for example --minutes 2.',
  )
  process.exit(2)
}
process.exitCode = await runAll(positionals.length > 0 ? positionals : Object.keys(BENCHES))

async function runAll(names: string[]): Promise<number> {
  const progress = createProgress(process.stderr)
  const folder = await mkdtemp(join(tmpdir(), 'pforte-bench-'))
  const parts = names.some((name) => BENCHES[name]!.needsParts) ? await prepareTestParts(folder) : null
  const figures: Figure[] = []
  // Pforte and its Asterisk hear Ctrl-C themselves; Postgres is ours.
  process.once('SIGINT', () => void Promise.resolve(parts?.stop()).finally(() => process.exit(130)))
  try {
    Object.assign(process.env, parts?.environment)
    for (const name of names) {
      const bench = await BENCHES[name]!.load()
      figures.push(...(await bench.run({ progress, minutes })))
    }
  } finally {
    await parts?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  console.log(table(figures, { colours: process.stdout.isTTY === true }))
  return figures.every(({ ok }) => ok) ? 0 : 1
}
