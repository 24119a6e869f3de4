import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { endedWithin, livingPart, startDetached, stopPart } from '../../src/local/detached.ts'
import { openHome } from '../../src/local/home.ts'
import { identify, lives } from '../../src/local/process-identity.ts'
import { temporaryHome } from './support/homes.ts'

const start = (home: string, script: string) =>
  startDetached({
    home,
    name: 'part',
    command: '/bin/sh',
    args: ['-c', script, home],
    mark: home,
    cwd: '/',
    ports: { part: 4711 },
    settings: { size: 'small' },
  })

t.test('a part is written down, found again and ended', async (t) => {
  const home = await temporaryHome(t)
  const { record } = await start(home, 'sleep 60; true')
  t.match(await livingPart(home, 'part'), { pid: record.pid, ports: { part: 4711 }, settings: { size: 'small' } })
  const session = (await readFile(`/proc/${record.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3]
  t.equal(Number(session), record.pid, 'it leads a session of its own, so that no signal to ours reaches it')
  t.equal(await stopPart(home, 'part', { signal: 'SIGTERM', timeoutMs: 1000 }), true)
  t.equal(await livingPart(home, 'part'), undefined)
  t.equal(await stopPart(home, 'part', { signal: 'SIGTERM', timeoutMs: 1000 }), false)
})

t.test('a part that ignores the polite signal is killed', async (t) => {
  const home = await temporaryHome(t)
  await start(home, "trap '' TERM; while :; do sleep 1; done")
  t.equal(await stopPart(home, 'part', { signal: 'SIGTERM', timeoutMs: 50 }), true)
})

t.test('what a part says is in its log', async (t) => {
  const home = await temporaryHome(t)
  const { ended } = await start(home, 'echo out; echo err >&2; exit 3')
  // A detached part does not keep us running, so something else must while we wait.
  const patience = setTimeout(() => t.fail('it does not end'), 10_000)
  t.equal(await ended, 'exit code 3')
  clearTimeout(patience)
  t.equal(await readFile(join(home, 'log/part.log'), 'utf8'), 'out\nerr\n')
})

t.test('another process that got the pid of a dead part is not taken for it', async (t) => {
  const home = await temporaryHome(t)
  const { run } = await openHome(home)
  const us = await identify(process.pid)
  await writeFile(
    join(run, 'part.json'),
    JSON.stringify({ ...us, startTime: (us?.startTime ?? 0) - 1, ports: {}, settings: {}, mark: home }),
  )
  t.equal(await livingPart(home, 'part'), undefined)
  t.equal(await stopPart(home, 'part', { signal: 'SIGKILL', timeoutMs: 1000 }), false, 'and not killed')
})

t.test('a part whose starter was killed before it could write the pid down is found by its argument', async (t) => {
  const home = await temporaryHome(t)
  const { record } = await start(home, 'sleep 60; true')
  await writeFile(join(home, 'run/part.json'), JSON.stringify({ ...record, pid: 0, startTime: 0, bootId: '' }))
  t.equal((await livingPart(home, 'part'))?.pid, record.pid)
  await stopPart(home, 'part', { signal: 'SIGTERM', timeoutMs: 1000 })
  t.equal(await endedWithin(record, 0), true)
})

t.test('a process counts as the same only in the same boot', async (t) => {
  const us = await identify(process.pid)
  t.ok(us)
  if (us === undefined) return
  t.equal(await lives(us), true)
  t.equal(await lives({ ...us, bootId: 'the one before' }), false)
})
