/** What `npm start` leaves behind when it fails, stands by or is asked to end. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { livingPart } from '../../src/local/detached.ts'
import { freePort } from '../../src/local/ports.ts'
import { TestPforte } from '../support/pforte.ts'
import { SecondProcess } from '../support/second-process.ts'
import { until } from '../support/until.ts'

const asteriskOf = (pforte: TestPforte) => livingPart(pforte.environment['PFORTE_HOME'] ?? '', 'asterisk')

t.test('a process that stands by ends when it is told to, and leaves the parts to the one that serves', async (t) => {
  const pforte = await TestPforte.start()
  t.teardown(() => pforte.stop())
  const asterisk = await asteriskOf(pforte)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const second = new SecondProcess(t, pforte.environment)
    await second.says('standing by')
    t.same(await second.end(signal), [0, null], `${signal} ends it in good order`)
    t.match(second.output.at(-1), /the other one goes on/)
    t.match(await asteriskOf(pforte), { pid: asterisk?.pid })
    t.ok(pforte.isRunning)
  }
})

t.test('a start that fails ends the Asterisk that it began, and not one that it found', async (t) => {
  const pforte = await TestPforte.start()
  t.teardown(() => pforte.stop())
  const taken = createServer()
  const port = await freePort()
  await once(taken.listen(port, '127.0.0.1'), 'listening')
  t.teardown(() => taken.close())
  const environment = { ...pforte.environment, HTTP_PORT: String(port) }

  await pforte.terminate()
  const found = await asteriskOf(pforte)
  const onFound = new SecondProcess(t, environment)
  t.same(await onFound.ended, [1, null])
  t.match(onFound.output.join('\n'), new RegExp(`✗ http: port ${port} on 127.0.0.1 is taken\n`))
  t.match(await asteriskOf(pforte), { pid: found?.pid }, 'calls on it go on')

  process.kill(found?.pid ?? 0, 'SIGKILL')
  await until('Asterisk to be gone', async () => (await asteriskOf(pforte)) === undefined)
  const onItsOwn = new SecondProcess(t, environment)
  t.same(await onItsOwn.ended, [1, null])
  t.match(onItsOwn.output.join('\n'), /Asterisk \S+ runs/)
  t.equal(await asteriskOf(pforte), undefined, 'nothing is left running')
})
