/** ARI over TLS, as a Pforte on another machine has it: in front of a real Asterisk, over both transports. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import t from 'tap'
import { openTelephony } from '../../src/telephony/open.ts'
import { certificate } from '../support/certificate.ts'
import { startPbx } from './support/pbx.ts'
import { afterTheBeep, stageOf } from './support/stage.ts'
import { strangeAsterisk } from './support/strange-asterisk.ts'
import { tlsProxyTo } from './support/tls-proxy.ts'
import { keptLog } from './support/witness.ts'

t.setTimeout(60_000)

// Before the first story: tap takes a pause between two for the end.
const pbx = await startPbx(t)
const authority = certificate()

/** What NODE_EXTRA_CA_CERTS does when a process starts. */
const trust = (cert: string): void => setDefaultCACertificates([...getCACertificates('default'), cert])

const connecting = async (url: string): Promise<unknown> => {
  const { log } = keptLog()
  const telephony = openTelephony({ url, user: 'pforte', password: 'quittengelee', app: 'pforte', promptUrl: url, log })
  t.teardown(() => telephony.close())
  return telephony.connect().catch((error: unknown) => error)
}

await t.test('a certificate of an authority of one’s own is refused in one line that says how to trust it', async (t) => {
  const { url } = await strangeAsterisk(t)
  for (const shown of [certificate({ by: authority }), certificate()]) {
    t.match(await connecting(await tlsProxyTo(t, url, shown)), {
      name: 'ConnectFailure',
      what: /^the Asterisk at 127\.0\.0\.1:\d+ shows a certificate of an authority that this machine does not know/,
      mend: /NODE_EXTRA_CA_CERTS/,
    })
  }
})

await t.test('once the authority is trusted, certificates are still looked at', async (t) => {
  trust(authority.cert)
  const { url } = await strangeAsterisk(t)
  const refused = async (of: Parameters<typeof certificate>[0], what: RegExp): Promise<void> => {
    const shown = certificate({ by: authority, ...of })
    t.match(await connecting(await tlsProxyTo(t, url, shown)), { name: 'ConnectFailure', what })
  }
  await refused({ names: ['pbx.example'] }, /for another name/)
  await refused({ to: Date.now() - 1_000 }, /has expired/)
  await refused({ from: Date.now() + 3_600_000 }, /not valid yet/)
  t.match(await connecting(url.replace('http:', 'https:')), { name: 'ConnectFailure', what: /does not speak TLS on that port/ })
  t.equal(await connecting(await tlsProxyTo(t, url, certificate({ by: authority }))), undefined, 'a right one is taken')
})

for (const transport of ['websocket', 'ari-client'] as const) {
  await t.test(`a call and its message over TLS, with ${transport}`, async (t) => {
    const { scene, caller, id } = stageOf(pbx, transport)
    const here = await scene(t, await tlsProxyTo(t, pbx.ariUrl, certificate({ by: authority })))
    t.match(here.telephony.status, { is: 'connected', transport })
    const { leg, call } = await caller(t, here)
    const recording = id('message')
    await here.send({ do: 'record', leg, recording, maxMs: 60_000, silenceMs: 0 })
    await afterTheBeep(call)
    await call.sendDigits('#')
    t.match(await here.seen.event('recordingFinished'), { recording })

    const file = await here.telephony.fetchRecording(recording)
    if (!file.ok) return t.fail(file.detail)
    const pieces: Uint8Array[] = []
    for await (const piece of file.value) pieces.push(piece)
    t.equal(Buffer.concat(pieces).toString('latin1', 0, 4), 'RIFF')
    t.match(await here.telephony.deleteRecording(recording), { ok: true })
    await here.send({ do: 'hangUp', leg })
    t.match(await call.ended, { by: 'them' })
  })
}
