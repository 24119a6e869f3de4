/** All that stands in a database, for a look whether something stands in it. */
import type { Pool } from 'pg'

export async function wholeDatabase({ query }: { query: Pool['query'] }): Promise<string> {
  const { rows } = await query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  )
  const texts: string[] = []
  for (const { name } of rows) {
    const found = await query<{ text: string | null }>(`SELECT string_agg(t::text, E'\\n') AS text FROM ${name} t`)
    texts.push(found.rows[0]?.text ?? '')
  }
  return texts.join('\n')
}

/** Messages whose text is kept encrypted. */
export async function sealedTexts({ query }: { query: Pool['query'] }): Promise<number> {
  const { rows } = await query<{ count: string }>('SELECT count(*) FROM messages WHERE sealed_text IS NOT NULL')
  return Number(rows[0]!.count)
}
