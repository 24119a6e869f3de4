import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { formatProblems, loadService, type Service } from '../../src/config.ts'
import { keepingCarriers } from '../../src/main/carriers.ts'
import { monday } from '../support/stories.ts'

const folder = join(import.meta.dirname, '../..')
const text = readFileSync(join(folder, 'pforte.yaml'), 'utf8')

t.test('a carrier’s settings are changed and the file is read again: they wait for the next start, everything else does not', async (t) => {
  const running = load('smpp: { concatenation: udh16 }')
  const next = load('smpp: { concatenation: udh8, window: 50 }')
  t.equal(next.sms?.referenceBits, 8)
  const { service, isOther } = keepingCarriers(running, next)
  t.ok(isOther, 'and the operator is told')
  t.same(service.smpp, running.smpp)
  t.same(service.sms, { ...next.sms, referenceBits: 16 }, 'texts are cut as the binds that are up need it')
  t.equal(service.hash, next.hash)
  t.ok(keepingCarriers(service, next).isOther, 'and told again, as long as it waits')
  t.notOk(keepingCarriers(service, load('smpp: { concatenation: udh16 }')).isOther)
})

function load(smpp: string): Service {
  const { smpp: _, ...others } = parse(text)
  const changed = `${stringify(others)}\n${smpp}\n`
  const loaded = loadService(changed, { promptFolder: folder, now: monday })
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'pforte.yaml', changed))
  return loaded.service
}
