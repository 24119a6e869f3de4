/** The trunk `carrier` of `asterisk-config/site/trunks.conf`, as a telco would copy it: only the carrier's address is another. */
import { readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ari } from './ari.ts'
import { until } from './until.ts'

const EXAMPLE = join(import.meta.dirname, '../../asterisk-config/site/trunks.conf')
const ITS_CARRIER = 'contact = sip:192.0.2.1:5060'

export const TRUNK = 'carrier'

/** @param home PFORTE_HOME of a running private Asterisk @param carrier who is called at the other end */
export async function openTrunk(home: string, carrier: { host: string; port: number }): Promise<void> {
  const example = await readFile(EXAMPLE, 'utf8')
  if (!example.includes(ITS_CARRIER)) throw new Error(`${EXAMPLE} no longer says ${ITS_CARRIER}`)
  const site = join(await realpath(join(home, 'parts')), 'asterisk/etc/site/trunks.conf')
  const ours = await readFile(site, 'utf8')
  await writeFile(site, example.replace(ITS_CARRIER, `contact = sip:${carrier.host}:${carrier.port}`) + ours)
  const reloaded = await ari(home, 'asterisk/modules/res_pjsip.so', 'PUT')
  if (!reloaded.ok) throw new Error(`Asterisk does not read its trunks again: ${reloaded.status} ${await reloaded.text()}`)
  await until('Asterisk to know the trunk', async () => (await ari(home, `endpoints/PJSIP/${TRUNK}`)).ok)
}
