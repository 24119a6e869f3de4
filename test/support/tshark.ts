/**
 * Wireshark's dissectors, from Debian: what others make of the octets that we
 * put on the wire. tshark reads a capture that the test writes itself.
 */
import { join } from 'node:path'
import { cacheDir } from '../../src/local/cache.ts'
import { ensureDebianPackages } from '../../src/local/debian-packages.ts'
import { silent, type Progress } from '../../src/local/progress.ts'
import type { Launch } from './sms-peers.ts'

/** From the environment of the test run, else from the cache or from Debian. */
export async function ensureTshark(cache?: string, progress: Progress = silent): Promise<Launch> {
  const given = process.env['PFORTE_TEST_TSHARK']
  if (given !== undefined) return JSON.parse(given) as Launch
  const packages = await ensureDebianPackages({
    name: 'tshark',
    packages: ['tshark'],
    suite: 'bookworm',
    components: ['main'],
    cacheDir: cache ?? (await cacheDir()),
    progress,
  })
  return {
    ...(await packages.launch('tshark')),
    environment: { WIRESHARK_DATA_DIR: join(packages.root, 'usr/share/wireshark'), HOME: '/nonexistent' },
  }
}
