/** What `npm start` leaves behind when it fails, stands by or is asked to end. */
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { livingPart } from '../../src/local/detached.ts'
import { freePort } from '../../src/local/ports.ts'
import { TestPforte } from '../support/pforte.ts'
import { SecondProcess } from '../support/second-process.ts'
import { changed } from '../end-to-end/survive/definition.ts'
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
  // A queue that a contract names is not in the file any more, which shows only when all parts run.
  await pforte.admit({ queue: 'support' })
  await pforte.terminate()
  await pforte.writeYaml(
    changed(await pforte.readYaml(), ({ queues, agents }) => {
      delete queues.support
      for (const agent of Object.values<any>(agents)) agent.queues = ['emergency']
    }),
  )
  const { environment } = pforte
  const found = await asteriskOf(pforte)
  const onFound = new SecondProcess(t, environment)
  t.same(await onFound.ended, [2, null])
  t.match(onFound.output.join('\n'), /Queue support cannot go/)
  t.match(await asteriskOf(pforte), { pid: found?.pid }, 'calls on it go on')

  process.kill(found?.pid ?? 0, 'SIGKILL')
  await until('Asterisk to be gone', async () => (await asteriskOf(pforte)) === undefined)
  const onItsOwn = new SecondProcess(t, environment)
  t.same(await onItsOwn.ended, [2, null])
  t.match(onItsOwn.output.join('\n'), /Asterisk \S+ runs/)
  t.equal(await asteriskOf(pforte), undefined, 'nothing is left running')
})

t.test('a port that is taken is told before anything is downloaded, started or made', async (t) => {
  const taken = createServer()
  const port = await freePort()
  await once(taken.listen(port, '127.0.0.1'), 'listening')
  t.teardown(() => taken.close())
  const folder = await mkdtemp(join(tmpdir(), 'pforte-serve-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const second = new SecondProcess(t, {
    PFORTE_HOME: join(folder, 'home'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    HTTP_PORT: String(port),
  })
  t.same(await second.ended, [1, null])
  t.match(second.output.join('\n'), new RegExp(`✗ http: port ${port} on 127.0.0.1 is taken\n  End the program`))
  t.notMatch(second.output.join('\n'), /…/, 'nothing was begun')
  t.notOk((await readdir(folder)).includes('cache'))
  t.notOk((await readdir(join(folder, 'home'))).includes('secret'))
})
