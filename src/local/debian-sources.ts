import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './run-command.ts'

/** Debian's own address for its archive, a content network; used where the machine names no Debian mirror. */
export const DEBIAN_DEFAULT_MIRROR = 'http://deb.debian.org/debian'

/** Where Debian, and Ubuntu with the package debian-archive-keyring, keep the archive's public keys. */
const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The archive's automatic signing keys of bookworm and trixie (from the package
 * debian-archive-keyring 2025.1; they run out in 2031 and 2035), for machines
 * that have no such package, or an older one than the key that signs today.
 */
const OWN_KEYRING = fileURLToPath(new URL('debian-archive.gpg', import.meta.url))

/** Keyrings to verify the archive with, in the order to try them: the machine's is kept up to date by its owner. */
export async function debianKeyrings(machines = DEBIAN_KEYRING): Promise<string[]> {
  return (await access(machines).then(
    () => true,
    () => false,
  ))
    ? [machines, OWN_KEYRING]
    : [OWN_KEYRING]
}

/** One entry of apt's sources: where from, and which suites. */
interface AptSource {
  uris: string[]
  suites: string[]
}

const DEBIAN_SUITES = /^(?:sid|unstable|testing|stable|oldstable|bullseye|bookworm|trixie|forky)$/

/**
 * The mirror of the Debian archive that this machine itself uses, so that a
 * site's own mirror or cache serves us too; Debian's default otherwise. A frozen
 * snapshot is passed over: it has no current sid.
 */
export async function debianMirror(aptFolder = '/etc/apt'): Promise<string> {
  for (const source of await aptSources(aptFolder)) {
    if (!source.suites.some((suite) => DEBIAN_SUITES.test(suite))) continue
    const uri = source.uris.find(
      (each) => /^https?:/.test(each) && /\/debian\/?$/.test(new URL(each).pathname) && !each.includes('snapshot.'),
    )
    if (uri !== undefined) return uri.replace(/\/$/, '')
  }
  return DEBIAN_DEFAULT_MIRROR
}

/**
 * What the machine's apt is told about reaching the network (proxies,
 * certificates, time limits), as text in apt.conf's own syntax. Hooks and pins
 * are left out on purpose: they are about the machine's own packages.
 */
export async function aptNetworkSettings(): Promise<string> {
  const dump = await runCommand('packages', 'apt-config', ['dump'])
  return (
    dump.stdout
      .split('\n')
      .filter(
        (line) =>
          /^Acquire::/.test(line) && !/^Acquire::(?:IndexTargets|Changelogs|CompressionTypes|cdrom)/.test(line) && !/^\S+ "";$/.test(line),
      )
      .join('\n') + '\n'
  )
}

async function aptSources(aptFolder: string): Promise<AptSource[]> {
  const parts = join(aptFolder, 'sources.list.d')
  const names = (await readdir(parts).catch(() => [])).sort()
  const files = [join(aptFolder, 'sources.list'), ...names.map((name) => join(parts, name))]
  const sources: AptSource[] = []
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (file.endsWith('.sources')) sources.push(...stanzas(text))
    else if (file.endsWith('.list')) sources.push(...lines(text))
  }
  return sources
}

/** The deb822 style of sources.list(5): stanzas of `Field: value`. */
function stanzas(text: string): AptSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] => {
      const found = new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza.replace(/^#.*\n?/gm, ''))
      return found?.[1]?.trim().split(/\s+/) ?? []
    }
    return field('Enabled')[0] === 'no' ? [] : [{ uris: field('URIs'), suites: field('Suites') }]
  })
}

/** The one-line style: `deb [options] uri suite components`. */
function lines(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line)
    return found === null ? [] : [{ uris: [found[1] ?? ''], suites: [found[2] ?? ''] }]
  })
}
