/** The last story of a file: after all that was typed, no PIN stands anywhere, no number in the log, and nothing is left of any call. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import type { Hotline } from '../support/hotline.ts'
import { leftOf } from '../support/left-behind.ts'

export function secretsStory(t: Test, hotline: Hotline, options: { buffered: boolean }): void {
  t.test('no PIN that was typed stands in logs, tables or the process list', options, async (t) => {
    const { pforte } = hotline
    t.ok(hotline.secrets.size > 0)
    const places = new Map<string, string>([
      ['the output of Pforte', pforte.output.join('\n')],
      ['the process list', await processList()],
    ])
    for (const file of await readdir(join(pforte.environment['PFORTE_HOME']!, 'log'))) {
      places.set(`log/${file}`, await readFile(join(pforte.environment['PFORTE_HOME']!, 'log', file), 'latin1'))
    }
    for (const table of await tables()) places.set(`table ${table}`, await textOf(table))
    const somePin = new RegExp(`(?<![0-9A-Za-z])(${[...hotline.secrets].join('|')})(?![0-9A-Za-z])`)
    for (const [place, text] of places) {
      const found = somePin.exec(text)
      const around = found === null ? '' : text.slice(Math.max(0, found.index - 100), found.index + 100)
      t.equal(around, '', place)
    }
    t.ok((places.get('table calls') ?? '').length > 0 && (places.get('table pins') ?? '').length > 0, 'there was something to search')

    async function tables(): Promise<string[]> {
      const { rows } = await pforte.db.query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`)
      return rows.map(({ name }) => name)
    }

    async function textOf(table: string): Promise<string> {
      const { rows } = await pforte.db.query<{ row: string }>(`SELECT each::text AS row FROM "${table}" each`)
      return rows.map(({ row }) => row).join('\n')
    }
  })

  t.test('nobody who reads the log of Pforte learns who called', options, async (t) => {
    const { pforte } = hotline
    const { rows } = await pforte.db.query<{ number: string }>(
      `SELECT caller AS number FROM calls WHERE caller ~ '^[+0][0-9]{6,}$' UNION SELECT recipient FROM messages WHERE recipient ~ '^[+][0-9]{6,}$'`,
    )
    t.ok(rows.length > 0, 'there was something to hide')
    const log = pforte.output.filter((line) => line.startsWith('{')).join('\n')
    for (const { number } of rows) t.notMatch(log, number.replace(/^[+0]/, ''), number)
  })

  t.test(
    'when all have hung up, Asterisk has no channel and no bridge, no agent is taken, and every call has an outcome',
    options,
    async (t) => {
      const { pforte } = hotline
      await until('nothing to be left', async () => {
        const left = await leftOf(pforte, null)
        if (left.length > 0) throw new Error(left.join(', '))
        return true
      })
      const { rows } = await pforte.db.query<{ open: number; all: number }>(
        `SELECT count(*) FILTER (WHERE ended_at IS NULL OR outcome IS NULL)::int AS open, count(*)::int AS all FROM calls`,
      )
      t.equal(rows[0]?.open, 0)
      t.comment(`${rows[0]?.all} calls were made`)
      const wrong = pforte.output.filter((line) => /"level":(50|60)/.test(line) && !line.includes('ALARM'))
      t.same(wrong, [], 'the log tells of no error but the alarm')
    },
  )
}

async function processList(): Promise<string> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(all.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.join('\n').replaceAll('\0', ' ')
}
