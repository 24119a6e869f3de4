import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { installOnce, readManifest } from './cache.ts'
import { aptNetworkSettings, debianKeyrings, debianMirror } from './debian-sources.ts'
import { noSpace, PartFailure } from './part-failure.ts'
import type { Progress } from './progress.ts'
import { lastWords, runCommand, type CommandOptions, type CommandResult } from './run-command.ts'

/**
 * Programs from the Debian archive without root and without touching the
 * machine's own packages. apt resolves and downloads into a state and cache of
 * its own, starting from the belief that nothing is installed, so that every
 * library comes along, libc included; dpkg-deb unpacks; and the programs run
 * through the unpacked dynamic loader (ld.so(8), `--library-path`), so that
 * neither the machine's release nor its libraries matter.
 *
 * apt checks the archive's signature against Debian's keyring and each package
 * against the signed index.
 */

export interface DebianPackagesOptions {
  /** A short name for the folder in the cache. */
  name: string
  /** Debian packages; what they depend on comes along, what they recommend does not. */
  packages: readonly string[]
  suite: 'bookworm' | 'sid'
  components: readonly string[]
  cacheDir: string
  progress: Progress
  /** What a person can do instead when Debian cannot give them, as a clause: `set ARI_URL to an Asterisk of yours`. */
  otherwise?: string
  /** Files with the archive's public keys, tried in order; by default those of this machine, then those that come with Pforte. */
  keyrings?: string[]
}

/** Written beside the unpacked tree as manifest.json. */
export interface PackagesManifest {
  name: string
  suite: string
  mirror: string
  architecture: string
  installedAt: string
  /** Package name → version, of everything unpacked. */
  versions: Record<string, string>
}

export interface DebianPackages {
  /** The unpacked tree, laid out like a root folder. */
  root: string
  versions: Record<string, string>
  /** How to start the program `command` of the tree (a name in usr/bin, usr/sbin, or a path below root). */
  launch: (command: string, args?: string[]) => Promise<{ command: string; args: string[] }>
  /** Starts it and collects what it says. */
  run: (command: string, args: string[], options?: CommandOptions) => Promise<CommandResult>
}

const PROGRAM_FOLDERS = ['usr/bin', 'usr/sbin', 'usr/games', 'bin', 'sbin']

/**
 * Makes the packages available, from the cache if they are in it.
 *
 * @throws PartFailure of `packages`: no apt here, archive unreachable, signature
 *   not to be verified, no space
 */
export async function ensureDebianPackages(options: DebianPackagesOptions): Promise<DebianPackages> {
  const { name, packages, suite, components, cacheDir, progress } = options
  const wanted = createHash('sha256')
    .update(JSON.stringify([packages.toSorted(), components]))
    .digest('hex')
    .slice(0, 8)
  const folder = await installOnce({
    cacheDir,
    progress,
    folder: `${name}-${suite}-${wanted}`,
    spaceBytes: SPACE_BYTES,
    fill: (into) => download(into, options),
  })
  const manifest = await readManifest<PackagesManifest>(join(folder, 'manifest.json'))
  const root = join(folder, 'root')
  const launch = (command: string, args: string[] = []): Promise<{ command: string; args: string[] }> => launchIn(root, command, args)
  return {
    root,
    versions: manifest.versions,
    launch,
    async run(command, args, runOptions) {
      const start = await launch(command, args)
      return runCommand(name, start.command, start.args, runOptions)
    },
  }
}

/** Asterisk with all it links to takes 100 MB packed and 290 MB unpacked, for a moment both. */
const SPACE_BYTES = 600 * 1024 * 1024

async function download(into: string, options: DebianPackagesOptions): Promise<void> {
  const { name, packages, suite, components, progress } = options
  const apt = join(into, 'apt')
  for (const folder of ['lists/partial', 'archives/partial']) await mkdir(join(apt, folder), { recursive: true })
  await writeFile(join(apt, 'status'), '')
  const mirror = await debianMirror()
  const keyrings = options.keyrings ?? (await debianKeyrings())
  await writeFile(join(apt, 'apt.conf'), await aptConfiguration(apt))
  // APT_CONFIG is read first and turns off the machine's own files (apt.conf(5)).
  const aptGet = (...args: string[]): Promise<CommandResult> =>
    runCommand('packages', 'apt-get', args, { env: { APT_CONFIG: join(apt, 'apt.conf') } })

  progress.step(`asking ${mirror} for ${name} (Debian ${suite})`)
  for (const [index, keyring] of keyrings.entries()) {
    await writeFile(join(apt, 'debian.sources'), sourcesFile(mirror, suite, components, join(apt, `${index}.gpg`)))
    await copyFile(keyring, join(apt, `${index}.gpg`))
    const update = await aptGet('update')
    if (update.code === 0) break
    if (!isUnverified(update) || index === keyrings.length - 1) throw aptFailure(update, mirror, into, options)
  }

  progress.step(`downloading ${name} and all it needs from Debian ${suite}`)
  const fetched = await aptGet('install', '--yes', '--no-install-recommends', '--download-only', ...packages)
  if (fetched.code !== 0) throw aptFailure(fetched, mirror, into, options)

  const archives = (await readdir(join(apt, 'archives'))).filter((file) => file.endsWith('.deb'))
  progress.step(`unpacking ${archives.length} packages for ${name}`)
  await unpack(join(apt, 'archives'), archives, join(into, 'root'))
  const manifest: PackagesManifest = {
    name,
    suite,
    mirror,
    architecture: process.arch,
    installedAt: new Date().toISOString(),
    versions: Object.fromEntries(archives.map(packageAndVersion).toSorted()),
  }
  await rm(apt, { recursive: true })
  await writeFile(join(into, 'manifest.json'), JSON.stringify(manifest, null, 2) + '\n')
  progress.done(`${name}: ${archives.length} packages from Debian ${suite}`)
}

/** @param keyring a path without blanks, which apt would take for two */
function sourcesFile(mirror: string, suite: string, components: readonly string[], keyring: string): string {
  return `Types: deb\nURIs: ${mirror}\nSuites: ${suite}\nComponents: ${components.join(' ')}\nSigned-By: ${keyring}\n`
}

async function aptConfiguration(apt: string): Promise<string> {
  const network = await aptNetworkSettings()
  return `${network}
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Update::Error-Mode "any";
# The folders are ours, so nobody else needs to read them; without root there is no other user anyway.
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
Dir::State "${apt}";
Dir::State::lists "${apt}/lists";
Dir::State::status "${apt}/status";
Dir::Cache "${apt}";
Dir::Cache::archives "${apt}/archives";
Dir::Log "${apt}";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "${apt}/debian.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
`
}

function aptFailure(result: CommandResult, mirror: string, into: string, { suite, otherwise }: DebianPackagesOptions): PartFailure {
  const or = otherwise === undefined ? '' : `, or ${otherwise}`
  const said = `${result.stdout}\n${result.stderr}`
  if (/No space left|enough free space/.test(said)) return noSpace('packages', into)
  const errors = {
    ...result,
    stderr:
      result.stderr
        .split('\n')
        .filter((line) => /^E:/.test(line))
        .join('\n') || result.stderr,
  }
  if (isUnverified(result)) {
    return new PartFailure({
      part: 'packages',
      what: `the signature of ${mirror} cannot be verified (${lastWords(errors, 1)})`,
      mend: 'Install or update the package debian-archive-keyring and look at the clock of this machine, then start again.',
    })
  }
  if (/Unable to locate package|Unable to correct problems|unmet dependencies/.test(said)) {
    return new PartFailure({
      part: 'packages',
      what: `Debian cannot install this at the moment (${lastWords(errors, 2)})`,
      mend: `Try again in some hours, since ${suite} changes daily${or}.`,
    })
  }
  return new PartFailure({
    part: 'packages',
    what: `the Debian archive ${mirror} cannot be reached (${lastWords(errors, 1)})`,
    mend: `Check the network and the proxy settings of apt (Acquire::http::Proxy) and start again${or}; nothing half-installed was left.`,
  })
}

function isUnverified({ stdout, stderr }: CommandResult): boolean {
  return /NO_PUBKEY|EXPKEYSIG|BADSIG|not signed|couldn't be verified|Sub-process \/usr\/bin\/sqv/.test(`${stdout}\n${stderr}`)
}

/** `asterisk_1%3a22.10.1-1_amd64.deb` → its name and version, with apt's escaping undone. */
function packageAndVersion(file: string): [string, string] {
  const [name = '', version = ''] = file.split('_')
  return [name, decodeURIComponent(version)]
}

async function unpack(archives: string, files: string[], root: string): Promise<void> {
  await mkdir(root, { mode: 0o755 })
  const waiting = files.slice()
  const worker = async (): Promise<void> => {
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      const result = await runCommand('packages', 'dpkg-deb', ['--extract', join(archives, file), root])
      if (result.code === 0) continue
      if (/No space left/.test(result.stderr)) throw noSpace('packages', root)
      throw new PartFailure({
        part: 'packages',
        what: `${file} cannot be unpacked (${lastWords(result, 1)})`,
        mend: 'Start again; if it fails once more, look at the disk.',
      })
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
}

async function launchIn(root: string, command: string, args: string[]): Promise<{ command: string; args: string[] }> {
  const program = command.includes('/')
    ? join(root, command)
    : await firstExisting(PROGRAM_FOLDERS.map((folder) => join(root, folder, command)))
  const libraries = await libraryFolders(root)
  const loader = await loaderIn(libraries)
  if (program === undefined || loader === undefined) {
    throw new PartFailure({
      part: 'packages',
      what: `${command} is missing in ${root}`,
      mend: 'Remove that folder; it is downloaded anew at the next start.',
    })
  }
  return { command: loader, args: ['--library-path', libraries.join(':'), program, ...args] }
}

/** Up to bookworm, libc is in /lib and the rest in /usr/lib; on an installed machine the one is a link to the other. */
async function libraryFolders(root: string): Promise<string[]> {
  const found: string[] = []
  for (const lib of [join(root, 'usr/lib'), join(root, 'lib')]) {
    const names = await readdir(lib).catch(() => [])
    found.push(...names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(lib, name)))
  }
  return found
}

async function loaderIn(folders: string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const name = (await readdir(folder)).find((each) => /^ld-linux.*\.so\.\d+$/.test(each))
    if (name !== undefined) return join(folder, name)
  }
  return undefined
}

async function firstExisting(paths: string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (
      await stat(path).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return undefined
}
