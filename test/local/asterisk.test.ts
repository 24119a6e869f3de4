import { once } from 'node:events'
import { createSocket } from 'node:dgram'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkConfiguredAsterisk } from '../../src/local/ari-probe.ts'
import { ensureAsterisk, stopAsterisk, type AsteriskOptions } from '../../src/local/asterisk.ts'
import { endedWithin, livingPart } from '../../src/local/detached.ts'
import { lives } from '../../src/local/process-identity.ts'
import { silent as progress } from '../../src/local/progress.ts'
import { freeSipPort, temporaryHome } from './support/homes.ts'

async function options(t: Test): Promise<AsteriskOptions> {
  return {
    home: await temporaryHome(t),
    sip: { host: '127.0.0.1', port: await freeSipPort() },
    rtpPorts: { from: 20_000, to: 29_999 },
    progress,
  }
}

t.test('a private Asterisk starts, is adopted by the next start, and ends', async (t) => {
  const wanted = await options(t)
  const first = await ensureAsterisk(wanted)
  t.match(first, { adopted: false, user: 'pforte', sipUri: `sip:127.0.0.1:${wanted.sip.port}`, version: /^\d+\.\d+\.\d+$/ })
  t.same(await ensureAsterisk(wanted), { ...first, adopted: true })
  t.notMatch(await readFile(join(wanted.home, 'log/asterisk.log'), 'utf8'), / ERROR\[/, 'it starts without an error in its log')

  const pid = (await livingPart(wanted.home, 'asterisk'))?.pid
  const moved = { ...wanted, sip: { host: '127.0.0.1', port: await freeSipPort() } }
  t.match(
    await ensureAsterisk(moved),
    { adopted: false, sipUri: `sip:127.0.0.1:${moved.sip.port}` },
    'another SIP port asks for another Asterisk',
  )
  t.not((await livingPart(wanted.home, 'asterisk'))?.pid, pid)
  t.equal(await stopAsterisk(wanted.home), true)
  t.equal(await stopAsterisk(wanted.home), false)
})

t.test('two private Asterisks live on one machine, and one survives the other', async (t) => {
  const [one, other] = [await options(t), await options(t)]
  const running = await Promise.all([ensureAsterisk(one), ensureAsterisk(other)])
  t.not(running[0].ariUrl, running[1].ariUrl)
  await stopAsterisk(one.home)
  t.equal((await ensureAsterisk(other)).adopted, true)
})

t.test('after kill -9 of Asterisk the next start brings a new one at the same address', async (t) => {
  const wanted = await options(t)
  const { ariUrl } = await ensureAsterisk(wanted)
  const living = await livingPart(wanted.home, 'asterisk')
  t.ok(living)
  if (living === undefined) return
  process.kill(living.pid, 'SIGKILL')
  await endedWithin(living, 5_000)
  t.match(await ensureAsterisk(wanted), { adopted: false, ariUrl })
})

t.test('an Asterisk that runs but is not written down any more gives way to a new one', async (t) => {
  const wanted = await options(t)
  await ensureAsterisk(wanted)
  const unwritten = await livingPart(wanted.home, 'asterisk')
  await rm(join(wanted.home, 'run'), { recursive: true })
  t.equal((await ensureAsterisk(wanted)).adopted, false)
  t.ok(unwritten !== undefined && !(await lives(unwritten)))
})

t.test('a SIP port that is taken is one clear line, and nothing is left running', async (t) => {
  const wanted = await options(t)
  const squatter = createSocket('udp4').bind(wanted.sip.port, '127.0.0.1')
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  await t.rejects(ensureAsterisk(wanted), {
    name: 'PartFailure',
    part: 'asterisk',
    exitCode: 1,
    what: `the SIP port ${wanted.sip.port} on 127.0.0.1 is taken by another program`,
    mend: /SIP_PORT/,
  })
  t.equal(await livingPart(wanted.home, 'asterisk'), undefined)
})

t.test('wrong settings are named with what to set', async (t) => {
  const wanted = await options(t)
  await t.rejects(ensureAsterisk({ ...wanted, sip: { host: '192.0.2.1', port: wanted.sip.port } }), {
    name: 'PartFailure',
    exitCode: 2,
    what: /SIP_HOST 192.0.2.1/,
  })
  await t.rejects(ensureAsterisk({ ...wanted, rtpPorts: { from: 20_000, to: 10_000 } }), {
    name: 'PartFailure',
    exitCode: 2,
    mend: /RTP_PORTS/,
  })
})

t.test('a configured Asterisk is checked before anything else is done with it', async (t) => {
  const asterisk = await ensureAsterisk(await options(t))
  t.match(await checkConfiguredAsterisk(asterisk), { version: asterisk.version })
  await t.rejects(checkConfiguredAsterisk({ ...asterisk, password: 'guessed' }), { name: 'PartFailure', exitCode: 2, mend: /ARI_PASSWORD/ })
  await t.rejects(checkConfiguredAsterisk({ ...asterisk, ariUrl: `http://127.0.0.1:${await freeSipPort()}` }), {
    name: 'PartFailure',
    exitCode: 1,
    what: /ECONNREFUSED/,
  })
})
