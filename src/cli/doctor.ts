import { randomBytes } from 'node:crypto'
import { access, constants, readFile, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import pino from 'pino'
import type { Environment } from '../config.ts'
import { askPrivateAsterisk } from '../local/asterisk.ts'
import { ensureAsteriskPackages } from '../local/asterisk-packages.ts'
import { checkConfiguredAsterisk, judgeVersion } from '../local/ari-probe.ts'
import { cacheDir } from '../local/cache.ts'
import { livingPart } from '../local/detached.ts'
import { PartFailure } from '../local/part-failure.ts'
import { tcpPortIsFree, udpPortIsFree } from '../local/ports.ts'
import { hasDatabase, stopPostgres } from '../local/postgres.ts'
import { silent as quiet } from '../local/progress.ts'
import { openVoice } from '../local/voice/open.ts'
import { reachCarriers } from '../main/reach-carriers.ts'
import { gateWarnings, inWords, isTooLikely } from '../main/gate-state.ts'
import { postgresPart } from '../main/parts.ts'
import { runningPforte } from '../main/run-file.ts'
import { MistakesInFile, readServiceFile } from '../main/service-file.ts'
import { openStoreFor } from '../main/store-at.ts'
import { StoreRefused } from '../store/errors.ts'
import { environmentOrFail } from './surroundings.ts'

/** Below this there is no room for Asterisk, Postgres and a day of voicemails. */
const LEAST_FREE_BYTES = 1_000_000_000
const NODE_MAJOR = 26

type Finding = { is: 'good' | 'warning' | 'bad'; text: string; mend?: string }

/** Looks at everything that Pforte stands on, and changes none of it: one line each, and the mend where something is wrong. */
export async function doctor(): Promise<number> {
  const environment = environmentOrFail()
  const running = await runningPforte(environment.home)
  let bad = 0
  const look = async (name: string, work: () => Promise<Finding>): Promise<void> => {
    const finding = await work().catch((error: unknown): Finding => {
      if (error instanceof MistakesInFile)
        return { is: 'bad', text: 'it has mistakes', mend: `npx pforte flow check ${environment.configFile} names them.` }
      if (error instanceof PartFailure) return { is: 'bad', text: error.what, mend: error.mend }
      return { is: 'bad', text: error instanceof Error ? error.message : String(error) }
    })
    if (finding.is === 'bad') bad++
    const mark = { good: '✓', warning: '!', bad: '✗' }[finding.is]
    console.log(`${mark} ${name.padEnd(11)} ${finding.text}${finding.mend === undefined ? '' : `\n  ${' '.repeat(11)} ${finding.mend}`}`)
  }

  await look('Node', async () => {
    const major = Number(process.versions.node.split('.')[0])
    if (major >= NODE_MAJOR) return { is: 'good', text: process.versions.node }
    return { is: 'bad', text: `${process.versions.node} cannot run Pforte`, mend: 'npm ci brings Node 26 into node_modules.' }
  })
  await look('home', async () => {
    const at = await existing(environment.home)
    await access(at, constants.W_OK).catch(() => {
      throw new PartFailure({
        part: 'home',
        what: `${at} cannot be written`,
        mend: 'Set PFORTE_HOME to a folder where it may, or give this user the right.',
      })
    })
    const { bavail, bsize } = await statfs(at)
    const free = bavail * bsize
    const text = `${environment.home}, ${(free / 1e9).toFixed(1)} GB free`
    return free >= LEAST_FREE_BYTES
      ? { is: 'good', text }
      : { is: 'bad', text, mend: 'Free about 1 GB, or set PFORTE_HOME to a larger disk.' }
  })
  await look('Pforte', async () =>
    running === null
      ? { is: 'good', text: 'does not run from this PFORTE_HOME' }
      : { is: 'good', text: `runs as process ${running.pid}, ${running.url}` },
  )
  await look('http', async () => {
    const { host, port } = environment.http
    if (running !== null || (await tcpPortIsFree(port, host))) return { is: 'good', text: `${host}:${port}` }
    return { is: 'bad', text: `port ${port} is taken`, mend: 'End the program that has it, or set HTTP_PORT to another.' }
  })
  await look('pforte.yaml', async () => {
    const { service } = await readServiceFile(environment.configFile, Date.now())
    const { lines, flows, agents } = service
    return { is: 'good', text: `${lines.length} lines, ${Object.keys(flows).length} flows, ${agents.length} agents` }
  })
  await look('asterisk', async () => {
    if (environment.ari !== null) {
      const { url, user, password } = environment.ari
      const { version, warning } = await checkConfiguredAsterisk({ ariUrl: url, user, password })
      return goodUnless(warning, `Asterisk ${version} answers at ${new URL(url).host}`)
    }
    if ((await livingPart(environment.home, 'asterisk')) !== undefined) {
      const asterisk = await askPrivateAsterisk(environment.home)
      if (asterisk === undefined)
        return { is: 'bad', text: 'the private one runs and does not answer', mend: 'Run npx pforte stop, then npm start.' }
      return goodUnless(
        asterisk.warning,
        `the private one, ${asterisk.version}, runs, SIP on ${environment.sip.host}:${environment.sip.port}`,
      )
    }
    if (running?.embedded.asterisk === true)
      return { is: 'bad', text: 'the private one has ended beneath the Pforte that runs', mend: 'Run npx pforte stop, then npm start.' }
    if (!(await udpPortIsFree(environment.sip.port, environment.sip.host))) {
      return {
        is: 'bad',
        text: `UDP port ${environment.sip.port} is taken`,
        mend: 'End the program that has it, or set SIP_PORT to another.',
      }
    }
    const packages = await ensureAsteriskPackages({ cacheDir: await cacheDir(), progress: quiet })
    return goodUnless(judgeVersion(packages.version), `${packages.version} is at hand for a private one`)
  })
  await look('smsc', async () => {
    const { service } = await readServiceFile(environment.configFile, Date.now())
    if (service.sms === null) return { is: 'good', text: 'no SMS: pforte.yaml has no section sms' }
    const carriers = await reachCarriers(environment, service)
    if (carriers.length === 0) return { is: 'good', text: 'the simulator; no SMS leaves this machine' }
    const away = carriers.filter(({ why }) => why !== null)
    if (away.length === 0) return { is: 'good', text: `${carriers.map(({ route }) => route).join(', ')} can be reached` }
    return {
      // One of several is enough to send.
      is: away.length === carriers.length ? 'bad' : 'warning',
      text: away.map(({ route, why }) => `${route}: ${why}`).join('; '),
      mend: 'See that the carrier lets this machine in, or correct SMPP_URL.',
    }
  })
  await look('voice', async () => {
    const { service } = await readServiceFile(environment.configFile, Date.now())
    const voice = await openVoice({ command: service.tts.command ?? undefined, cacheDir: await cacheDir(), progress: quiet })
    await voice.close()
    return { is: 'good', text: voice.id }
  })
  const gate: Finding[] = []
  await look('postgres', async () => {
    if (running?.embedded.postgres === true && (await livingPart(environment.home, 'postgres')) === undefined)
      return { is: 'bad', text: 'the embedded one has ended beneath the Pforte that runs', mend: 'Run npx pforte stop, then npm start.' }
    const { service } = await readServiceFile(environment.configFile, Date.now())
    if (environment.databaseUrl === null && !(await hasDatabase(environment.home)))
      return { is: 'good', text: 'the first start makes an embedded one' }
    const { databaseUrl, embedded, adopted } = await postgresPart(environment, quiet)
    try {
      const store = await openStoreFor(service, databaseUrl, await presentSecret(environment), pino({ level: 'silent' }), 'check')
      try {
        const now = await store.calls.guessChance()
        const tooLikely = isTooLikely(now, service)
        gate.push({
          is: tooLikely ? 'warning' : 'good',
          text: inWords(now),
          ...(tooLikely ? { mend: 'The customer number is asked too; longer PINs (pin.length) would spare callers that.' } : {}),
        })
        for (const text of await gateWarnings(store, service)) gate.push({ is: 'warning', text })
      } finally {
        await store.close()
      }
    } catch (error) {
      if (!(error instanceof PartFailure && error.cause instanceof StoreRefused && error.cause.reason === 'pending')) throw error
      return { is: 'warning', text: error.what, mend: 'The next start of Pforte brings it up to date, or npx pforte migrate now.' }
    } finally {
      if (embedded && !adopted) await stopPostgres(environment.home)
    }
    return { is: 'good', text: embedded ? 'the embedded one, with this secret' : 'answers, with this secret' }
  })
  for (const finding of gate) await look('PINs', async () => finding)
  return bad === 0 ? 0 : 1
}

const goodUnless = (warning: string | undefined, text: string): Finding =>
  warning === undefined ? { is: 'good', text } : { is: 'warning', text, mend: warning }

/** The secret that Pforte would use. Before the first start there is none, and any other will be told from the database's. */
async function presentSecret({ secret, home }: Environment): Promise<string> {
  const kept = secret ?? (await readFile(join(home, 'secret'), 'utf8').catch(() => '')).trim()
  return kept === '' ? randomBytes(32).toString('hex') : kept
}

/** The folder itself, or the nearest one above it that is there. */
async function existing(path: string): Promise<string> {
  return access(path).then(
    () => path,
    () => existing(dirname(path)),
  )
}
