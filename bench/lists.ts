/**
 * Every list, filter and look-up of the API on a whole Pforte beside a million
 * of everything. Which there are is asked of its OpenAPI document, so that a
 * new one is measured or named as missing; each filter is measured alone, and
 * each two of them together.
 */
import assert from 'node:assert/strict'
import { TestPforte } from '../test/support/pforte.ts'
import { judged, ms, quantile, told, type Figure } from './figure.ts'
import { asFastAsItGoes } from './load/http-load.ts'
import { seed, ROWS } from './lists/seed.ts'
import { questionsOf, type Question } from './lists/questions.ts'
import type { BenchOptions } from './run.ts'

/** Of issue 4. */
const BAR_MS = 20
/** Two people who look things up at once. */
const CONNECTIONS = 2
const FOR_MS = { alone: 700, together: 250 }
const AGAIN_MS = 3_000
/** So many of the slowest are named, and all that are too slow. */
const NAMED = 3
const name = 'lists'

type Measured = { question: Question; p50: number; p99: number }

export async function run({ progress }: BenchOptions): Promise<Figure[]> {
  progress.step('lists: starting Pforte')
  const pforte = await TestPforte.start()
  try {
    await seed(pforte.db, ROWS, (what) => progress.step(`lists: ${ROWS.toLocaleString('en')} rows each: ${what}`))
    const document = await pforte.request('GET', '/openapi.json')
    const questions = await questionsOf(document.body['paths'], pforte)
    const target = { url: pforte.url, key: pforte.environment['PFORTE_API_KEY']!, connections: CONNECTIONS }
    const measure = async (question: Question, forMs: number): Promise<Measured> => {
      progress.step(`lists: ${question.what}`)
      const ask = (): { method: string; path: string } => ({ method: 'GET', path: question.path() })
      // What it needs is read from the disk once, and its connection has prepared it.
      for (let time = 0; time < 3; time++) await asFastAsItGoes(target, 1, ask)
      const { failed, spentMs } = await asFastAsItGoes(target, forMs, ask)
      assert.deepEqual(failed.slice(0, 2), [], `${question.what} is answered`)
      return { question, p50: quantile(spentMs, 0.5), p99: quantile(spentMs, 0.99) }
    }
    const figures: Measured[] = []
    for (const question of questions) {
      const first = await measure(question, FOR_MS[question.is])
      // One pause of the machine is more than a hundredth of so short a time; a question that is too slow is so for longer, too.
      figures.push(first.p99 < BAR_MS ? first : await measure(question, AGAIN_MS))
    }
    progress.done('lists')
    figures.sort((a, b) => b.p99 - a.p99)
    const worst = figures[0]!
    const [alone, together] = (['alone', 'together'] as const).map((is) => figures.filter(({ question }) => question.is === is).length)
    return [
      judged(
        name,
        `the slowest of ${alone} lists, filters and look-ups and ${together} pairs of filters`,
        `p99 ${ms(worst.p99)}`,
        `< ${BAR_MS} ms`,
        worst.p99 < BAR_MS,
      ),
      ...figures
        .filter(({ p99 }, place) => place < NAMED || p99 >= BAR_MS)
        .map(({ question, p50, p99 }) => told(name, `  ${question.what}`, `p50 ${ms(p50)}, p99 ${ms(p99)}`)),
      told(
        name,
        '  the one in the middle',
        `p99 ${ms(
          quantile(
            figures.map(({ p99 }) => p99),
            0.5,
          ),
        )}`,
      ),
    ]
  } finally {
    await pforte.stop()
  }
}
