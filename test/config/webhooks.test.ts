import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatProblems, loadService } from '../../src/config.ts'

const minimalText = readFileSync(join(import.meta.dirname, 'minimal.yaml'), 'utf8')
const options = { promptFolder: import.meta.dirname, now: Date.parse('2026-03-02T09:00:00Z') }

function allowPrivate(section: string): boolean | string {
  const text = `${minimalText}\n${section}\n`
  const loaded = loadService(text, options)
  return loaded.ok ? loaded.service.webhooks.allowPrivate : formatProblems(loaded.problems, 'pforte.yaml', text)
}

t.test('webhooks lead to public addresses unless the file says otherwise', async (t) => {
  t.equal(allowPrivate(''), false)
  t.equal(allowPrivate('webhooks: {}'), false)
  t.equal(allowPrivate('webhooks:\n  allow_private: false'), false)
  t.equal(allowPrivate('webhooks:\n  allow_private: true'), true)
})

t.test('what is written wrongly is told with a hint', async (t) => {
  t.match(allowPrivate('webhooks:\n  allow_private: "yes"'), /"yes" is not true or false[\s\S]*Write true or false, without quotes/)
  t.match(allowPrivate('webhooks:\n  allow_privat: true'), /"allow_privat" is not known here[\s\S]*Did you mean allow_private\?/)
  t.match(allowPrivate('webhooks: true'), /true is not a block of keys and values/)
  t.match(allowPrivate('webhook:\n  allow_private: true'), /"webhook" is not a section of this file[\s\S]*Did you mean webhooks\?/)
})
