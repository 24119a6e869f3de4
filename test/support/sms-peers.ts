/**
 * SMPP that we did not write, to try ours against: Kannel (an SMS gateway, in
 * C) and Perl's Net::SMPP, both from Debian, in one tree of the cache.
 */
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../../src/local/cache.ts'
import { ensureDebianPackages } from '../../src/local/debian-packages.ts'
import { silent, type Progress } from '../../src/local/progress.ts'

/** How to start a program: the command, and the arguments that come before its own. */
export type Launch = { command: string; args: string[]; environment?: Record<string, string> }

export type SmsPeers = {
  /** Kannel's core, which speaks SMPP to an SMSC; takes the path of a configuration. */
  bearerbox: Launch
  /** Kannel's HTTP side, which feeds bearerbox. */
  smsbox: Launch
  /** Perl with Net::SMPP; takes a script. */
  perl: Launch
}

/** From the environment of the test run, else from the cache or from Debian. */
export async function ensureSmsPeers(cache?: string, progress: Progress = silent): Promise<SmsPeers> {
  const given = process.env['PFORTE_TEST_SMS_PEERS']
  if (given !== undefined) return JSON.parse(given) as SmsPeers
  const packages = await ensureDebianPackages({
    name: 'sms-peers',
    packages: ['kannel', 'libnet-smpp-perl'],
    suite: 'sid',
    components: ['main'],
    cacheDir: cache ?? (await cacheDir()),
    progress,
  })
  return {
    bearerbox: await packages.launch('bearerbox'),
    smsbox: await packages.launch('smsbox'),
    perl: { ...(await packages.launch('perl')), environment: { PERL5LIB: await perlFolders(packages.root) } },
  }
}

/** Perl looks for its modules where it was built to be installed: there may be those of another Perl, or none. */
async function perlFolders(root: string): Promise<string> {
  const found: string[] = []
  for (const pattern of ['usr/lib/*-linux-gnu/perl-base', 'usr/{lib/*-linux-gnu,share}/perl/5.*.*', 'usr/share/perl5'])
    for await (const folder of glob(pattern, { cwd: root })) found.push(join(root, folder))
  return found.join(':')
}
