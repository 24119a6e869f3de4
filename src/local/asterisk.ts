import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { judgeVersion, probeAri, type AriAccess } from './ari-probe.ts'
import { confOf, layOutAsterisk, placeFallbackPrompt, type AsteriskSite } from './asterisk-folder.ts'
import { ensureAsteriskPackages } from './asterisk-packages.ts'
import { cacheDir as defaultCacheDir } from './cache.ts'
import { lastLogLines, lastRecord, livingPart, startDetached, stopPart, stopUnwritten, type DetachedPart } from './detached.ts'
import { ensureSecret, openHome, partsFolder } from './home.ts'
import { withLock } from './lock.ts'
import { noSpace, PartFailure } from './part-failure.ts'
import { choosePort, tcpPortIsFree, udpPortIsFree } from './ports.ts'
import type { Progress } from './progress.ts'

const NAME = 'asterisk'
const ARI_USER = 'pforte'

export interface AsteriskOptions {
  home: string
  cacheDir?: string
  /** SIP_HOST and SIP_PORT, for UDP and TCP. */
  sip: { host: string; port: number }
  /** RTP_PORTS, both included. */
  rtpPorts: { from: number; to: number }
  /** ARI_PORT; by default the one of last time or a free one. */
  ariPort?: number | undefined
  /** What callers hear while Pforte is away: WAV, 8 kHz, mono, 16 bit. */
  fallbackPrompt?: Buffer | undefined
  progress: Progress
}

export interface RunningAsterisk extends AriAccess {
  /** `22.10.1` */
  version: string
  /** What the operator should know about this version, if anything. */
  warning: string | undefined
  /** `sip:127.0.0.1:5060`; put a line before the host: `sip:hotline@127.0.0.1:5060`. */
  sipUri: string
  /** True if it was running already. */
  adopted: boolean
}

/**
 * Has the private Asterisk of this PFORTE_HOME running and ready: adopts a
 * living one that was started with the same addresses, else starts it, and
 * downloads it before if need be.
 *
 * @throws PartFailure of `asterisk`, `home` or `packages`
 */
export async function ensureAsterisk(options: AsteriskOptions): Promise<RunningAsterisk> {
  const { home, sip, rtpPorts, ariPort, progress } = options
  checkRange(rtpPorts)
  const { run } = await openHome(home)
  const password = await ensureSecret(home, 'ari-password')
  const wanted = { sip, rtpPorts }
  return withLock(
    join(run, 'asterisk.lock'),
    () => progress.step('waiting for another start of this PFORTE_HOME'),
    async () => {
      const parts = await partsFolder(home)
      const path = join(parts.path, NAME)
      const living = await livingPart(home, NAME)
      const livingPort = living?.ports['ari']
      if (livingPort !== undefined && isDeepStrictEqual(living?.settings, wanted) && (ariPort === undefined || ariPort === livingPort)) {
        const access = accessTo(livingPort, password)
        const version = await untilReady(home, access, undefined)
        if (version !== undefined) {
          if (options.fallbackPrompt !== undefined) await placeFallbackPrompt(path, options.fallbackPrompt, parts.user)
          progress.done(`Asterisk ${version} goes on running, SIP on ${sip.host}:${sip.port}`)
          return { ...access, version, warning: judgeVersion(version), sipUri: sipUri(sip), adopted: true }
        }
      }
      if (living !== undefined) {
        progress.step('ending the Asterisk that runs with other settings or no longer answers')
        await stopPart(home, NAME, STOP)
      }

      const packages = await ensureAsteriskPackages({ cacheDir: options.cacheDir ?? (await defaultCacheDir()), progress })
      await stopUnwritten(NAME, confOf(path), STOP)
      await checkSipPort(sip)
      progress.step('starting Asterisk')
      for (let tries = 1; ; tries++) {
        const port = await choosePort({
          part: NAME,
          asked: ariPort,
          variable: 'ARI_PORT',
          last: (await lastRecord(home, NAME))?.ports['ari'],
        })
        const site: AsteriskSite = { ...wanted, ariPort: port, user: ARI_USER, password }
        const folder = await layOutAsterisk(path, packages, site, parts.user)
        if (options.fallbackPrompt !== undefined) await placeFallbackPrompt(path, options.fallbackPrompt, parts.user)
        const part = await startDetached({
          home,
          name: NAME,
          mark: folder.conf,
          cwd: path,
          user: parts.user,
          command: packages.launch.command,
          // -f: do not fork, -n: no colours, -C: this configuration (asterisk(8)).
          args: [...packages.launch.args, '-f', '-n', '-C', folder.conf],
          // HOME: libraries look there, and /root is closed to the service user.
          env: { HOME: path },
          ports: { ari: port, sip: sip.port },
          settings: wanted,
        })
        const access = accessTo(port, password)
        const version = await untilReady(home, access, part)
        if (version === undefined) {
          await stopPart(home, NAME, STOP)
          if (tries < START_TRIES && ariPort === undefined && !(await tcpPortIsFree(port))) continue
          throw await startFailure(home, path)
        }
        progress.done(`Asterisk ${version} runs, SIP on ${sip.host}:${sip.port}`)
        return { ...access, version, warning: judgeVersion(version), sipUri: sipUri(sip), adopted: false }
      }
    },
  )
}

/** The private Asterisk that runs from this PFORTE_HOME, asked who it is; undefined if none runs or it does not answer. */
export async function askPrivateAsterisk(home: string): Promise<{ version: string; warning: string | undefined } | undefined> {
  const port = (await livingPart(home, NAME))?.ports['ari']
  if (port === undefined) return undefined
  const answer = await probeAri(accessTo(port, await ensureSecret(home, 'ari-password')))
  return answer.kind === 'ready' ? { version: answer.version, warning: judgeVersion(answer.version) } : undefined
}

/** A free ARI port can be lost to another program before Asterisk has it. */
const START_TRIES = 3

/** SIGTERM makes Asterisk hang up all calls and leave at once. */
const STOP = { signal: 'SIGTERM', timeoutMs: 5_000 } as const

/** Ends the private Asterisk of this PFORTE_HOME, and the calls on it. @returns false if none ran */
export async function stopAsterisk(home: string): Promise<boolean> {
  return stopPart(home, NAME, STOP)
}

const READY_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 20

/**
 * Waits until ARI answers, which it does only once Asterisk has fully booted.
 *
 * @returns its version, or undefined if it ended or stayed deaf
 */
async function untilReady(home: string, access: AriAccess, part: DetachedPart | undefined): Promise<string | undefined> {
  const until = performance.now() + READY_WITHIN_MS
  let ended = false
  void part?.ended.then(() => {
    ended = true
  })
  while (!ended && performance.now() < until) {
    const answer = await probeAri(access, until - performance.now())
    if (answer.kind === 'ready') return answer.version
    if (answer.kind === 'wrongPassword') {
      throw new PartFailure({
        part: NAME,
        exitCode: 2,
        what: 'the private Asterisk refuses the password in PFORTE_HOME/ari-password',
        mend: 'Run npx pforte stop and start again.',
      })
    }
    if (part === undefined && (await livingPart(home, NAME)) === undefined) return undefined
    await wait(LOOK_EVERY_MS)
  }
  return undefined
}

async function startFailure(home: string, path: string): Promise<PartFailure> {
  // Asterisk goes on past its errors and says goodbye politely, so the last lines tell nothing.
  const errors = (await lastLogLines(home, NAME, 200)).split(' / ').filter((line) => / ERROR\[|No space left/.test(line))
  const said = errors.slice(-3).join(' / ')
  if (/No space left/.test(said)) return noSpace(NAME, path)
  return new PartFailure({
    part: NAME,
    what: `it does not start: ${said || 'it said nothing'}`,
    mend: `Mend what it names, or set ARI_URL; its log is ${join(home, 'log/asterisk.log')}.`,
  })
}

async function checkSipPort({ host, port }: AsteriskOptions['sip']): Promise<void> {
  const free = await Promise.all([udpPortIsFree(port, host), tcpPortIsFree(port, host)]).catch((error: unknown) => {
    throw new PartFailure({
      part: NAME,
      exitCode: 2,
      what: `SIP_HOST ${host} is no address of this machine`,
      mend: 'Set SIP_HOST to one of its addresses, 127.0.0.1 or 0.0.0.0.',
      cause: error,
    })
  })
  if (free.every(Boolean)) return
  throw new PartFailure({
    part: NAME,
    what: `the SIP port ${port} on ${host} is taken by another program`,
    mend: 'End that program (another Asterisk, a softphone), or set SIP_PORT to a free port.',
  })
}

/** Each call takes two ports, for RTP and RTCP, and so does each agent's leg. */
function checkRange({ from, to }: AsteriskOptions['rtpPorts']): void {
  const valid = Number.isInteger(from) && Number.isInteger(to) && from >= 1024 && to <= 65535 && to - from >= 3
  if (!valid)
    throw new PartFailure({
      part: NAME,
      exitCode: 2,
      what: `RTP_PORTS ${from}-${to} is no range of at least four ports between 1024 and 65535`,
      mend: 'Set RTP_PORTS like 10000-19999: four ports for each call at once.',
    })
}

function accessTo(port: number, password: string): AriAccess {
  return { ariUrl: `http://127.0.0.1:${port}`, user: ARI_USER, password }
}

/** An Asterisk that listens on all addresses is dialled on loopback. */
function sipUri({ host, port }: AsteriskOptions['sip']): string {
  const dialled = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `sip:${dialled.includes(':') ? `[${dialled}]` : dialled}:${port}`
}
