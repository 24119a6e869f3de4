import { createHash } from 'node:crypto'
import { chmod, cp, lstat, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AsteriskPackages } from './asterisk-packages.ts'
import { beep } from './beep.ts'
import { errorCode, fileFailure, PartFailure } from './part-failure.ts'
import { lastWords, runCommand } from './run-command.ts'
import type { ServiceUser } from './service-user.ts'

/** asterisk-config/ of this clone: what a telco copies, and what the private Asterisk runs from. */
const SHARED = fileURLToPath(new URL('../../asterisk-config/', import.meta.url))

const EMPTY_FILES = ['acl.conf', 'ccss.conf', 'manager.conf', 'pjproject.conf', 'stasis.conf', 'udptl.conf', 'websocket_client.conf']

/** Longest path of a Unix socket (sun_path in unix(7), with its final NUL). */
const SOCKET_PATH_BYTES = 108

/** A prompt is named by the 64 hexadecimal digits of a hash. */
const SHORTEST_PROMPT_ADDRESS = `http://127.0.0.1:80/prompts/${'0'.repeat(64)}.wav`

export interface AsteriskSite {
  sip: { host: string; port: number }
  rtpPorts: { from: number; to: number }
  ariPort: number
  user: string
  password: string
}

export interface AsteriskFolder {
  /** For `asterisk -C`. */
  conf: string
  /** The folder itself. */
  path: string
}

/** Where the configuration of the Asterisk in the folder `path` is. */
export function confOf(path: string): string {
  return join(path, 'etc/asterisk.conf')
}

/**
 * Lays out the folder of a private Asterisk: a copy of asterisk-config with
 * this Asterisk's own site/ files, and everything that Asterisk keeps (database,
 * keys, control socket, recordings), so that several can live on one machine.
 * Doing it again renews the configuration and keeps the rest.
 */
export async function layOutAsterisk(
  path: string,
  packages: AsteriskPackages,
  site: AsteriskSite,
  owner: ServiceUser | undefined,
): Promise<AsteriskFolder> {
  const etc = join(path, 'etc')
  const data = join(path, 'data')
  for (const folder of ['lib', 'cache', 'log', 'run', 'spool/recording', 'spool/tmp', 'lib/keys', 'data/sounds/pforte'])
    await mkdir(join(path, folder), { recursive: true, mode: 0o700 })
  await rm(etc, { recursive: true, force: true })
  await mkdir(etc, { mode: 0o700 })
  await cp(SHARED, etc, { recursive: true, filter: (source) => !source.endsWith('.md') })
  // Asterisk calls the lack of any of these an error in its log, and takes an empty one for "all defaults".
  for (const name of EMPTY_FILES) await writeFile(join(etc, name), '; All defaults.\n')
  for (const [name, text] of Object.entries(siteFiles(site))) {
    await writeFile(join(etc, 'site', name), text, { mode: 0o600 })
    await chmod(join(etc, 'site', name), 0o600)
  }
  const conf = confOf(path)
  await writeFile(
    conf,
    directories(path, await runFolder(path, owner), await cacheFolder(path, owner), packages) +
      (await readFile(join(SHARED, 'asterisk.conf'), 'utf8')),
  )
  await linkData(data, packages)
  await writeFile(join(data, 'sounds/beep.wav'), beep())
  await giveTo(owner, path)
  return { conf, path }
}

/**
 * Puts the prompt of the fallback dialplan into place (WAV, 8 kHz, mono, 16
 * bit); a running Asterisk plays it from the next call on.
 */
export async function placeFallbackPrompt(path: string, prompt: Buffer, owner: ServiceUser | undefined): Promise<void> {
  const file = join(path, 'data/sounds/pforte/fallback.wav')
  const present = await readFile(file).catch(() => undefined)
  if (present?.equals(prompt) === true) return
  await writeFile(`${file}.new`, prompt)
  await rename(`${file}.new`, file)
  await giveTo(owner, file)
}

/** The files that asterisk-config/site/ holds examples of. */
function siteFiles(site: AsteriskSite): Record<string, string> {
  const { sip, rtpPorts } = site
  const bind = `${sip.host.includes(':') ? `[${sip.host}]` : sip.host}:${sip.port}`
  const transport = (protocol: string): string => `[transport-${protocol}]\ntype = transport\nprotocol = ${protocol}\nbind = ${bind}\n`
  return {
    'transports.conf': transport('udp') + transport('tcp'),
    // Whoever reaches the private Asterisk may call the lines: by default that is this machine alone.
    'trunks.conf': '[anonymous](pforte-caller)\n',
    'http.conf': `bindaddr = 127.0.0.1\nbindport = ${site.ariPort}\n`,
    'ari.conf': `[${site.user}]\ntype = user\nread_only = no\npassword = ${site.password}\n`,
    // What it says goes to standard output, and that to PFORTE_HOME/log/asterisk.log.
    'logger.conf': '; Nothing but the console.\n',
    'rtp.conf': `rtpstart = ${rtpPorts.from}\nrtpend = ${rtpPorts.to}\n`,
  }
}

/**
 * Where Asterisk puts its control socket: with its other things, or where that
 * path is too long for a socket, in a closed folder of ours among the temporary
 * files.
 */
async function runFolder(path: string, owner: ServiceUser | undefined): Promise<string> {
  const near = join(path, 'run')
  return Buffer.byteLength(join(near, 'asterisk.ctl')) < SOCKET_PATH_BYTES ? near : temporaryFolder(path, 'run', owner)
}

/**
 * Where Asterisk keeps the prompts that it has fetched. The media cache takes
 * whatever follows the last dot of a path for the file's ending, so in
 * `.pforte/parts/…` it plays nothing; and it cuts the path of a fetched file to
 * the length of its address [both tried, 22.10.1]. What is in there is
 * fetched again at every connect, so the temporary files are good enough.
 */
async function cacheFolder(path: string, owner: ServiceUser | undefined): Promise<string> {
  const near = join(path, 'cache')
  const isTooLong = Buffer.byteLength(join(near, 'bucket-XXXXXX')) > SHORTEST_PROMPT_ADDRESS.length
  return isTooLong || near.includes('.') ? temporaryFolder(path, 'cache', owner) : near
}

/** A closed folder of ours among the temporary files, the same one for the same `path` and `purpose`. */
async function temporaryFolder(path: string, purpose: string, owner: ServiceUser | undefined): Promise<string> {
  const name = createHash('sha256').update(`${purpose} ${path}`).digest('hex').slice(0, 12)
  const folder = join(tmpdir(), `pforte-${name}`)
  await mkdir(folder, { mode: 0o700 }).catch(async (error: unknown) => {
    const found = errorCode(error) === 'EEXIST' ? await lstat(folder) : undefined
    const ours = found?.uid === process.geteuid?.() || (owner !== undefined && found?.uid === owner.uid)
    // Somebody else could have put a folder of that name there.
    if (found?.isDirectory() === true && ours && (found.mode & 0o077) === 0) return
    throw fileFailure('asterisk', folder, error)
  })
  await giveTo(owner, folder)
  return folder
}

function directories(path: string, run: string, cache: string, packages: AsteriskPackages): string {
  return `; Written by Pforte at each start.
[directories]
astetcdir => ${path}/etc
${packages.modules === undefined ? '' : `astmoddir => ${packages.modules}\n`}astvarlibdir => ${path}/lib
astdbdir => ${path}/lib
astkeydir => ${path}/lib
astdatadir => ${path}/data
astagidir => ${path}/data/agi-bin
astspooldir => ${path}/spool
astcachedir => ${cache}
astrundir => ${run}
astlogdir => ${path}/log

`
}

/** Documentation (without which modules refuse to load), ARI's description and music are linked; the sounds are ours. */
async function linkData(data: string, packages: AsteriskPackages): Promise<void> {
  for (const name of ['documentation', 'rest-api', 'static-http', 'moh']) {
    await rm(join(data, name), { recursive: true, force: true })
    for (const source of packages.data) {
      if (
        !(await stat(join(source, name)).then(
          () => true,
          () => false,
        ))
      )
        continue
      await symlink(join(source, name), join(data, name))
      break
    }
  }
}

async function giveTo(owner: ServiceUser | undefined, path: string): Promise<void> {
  if (owner === undefined) return
  const given = await runCommand('asterisk', 'chown', ['-R', '--no-dereference', `${owner.uid}:${owner.gid}`, path])
  if (given.code !== 0)
    throw new PartFailure({
      part: 'asterisk',
      what: `its folder cannot be given to user ${owner.uid} (${lastWords(given)})`,
      mend: 'Start Pforte as an ordinary user, or set ARI_URL.',
    })
}
