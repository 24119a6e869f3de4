/** A private Asterisk of this test's own, a place where it fetches prompts, and phones that call it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { ensureAsterisk } from '../../../src/local/asterisk.ts'
import { Phone } from '../../../src/local/phone/phone.ts'
import { silent as progress } from '../../../src/local/progress.ts'
import { freeSipPort, temporaryHome } from '../../local/support/homes.ts'

export type Pbx = {
  /** PFORTE_HOME of it. */
  home: string
  ariUrl: string
  user: string
  password: string
  version: string
  sip: { host: string; port: number }
  promptUrl: string
  /** How often each prompt was fetched. */
  fetched: Map<string, number>
  /** Dialled for a caller. */
  hotline: string
  phone(t: Test, user: string, password?: string): Promise<Phone>
}

export async function startPbx(t: Test, home?: string): Promise<Pbx> {
  home ??= await temporaryHome(t)
  const sip = { host: '127.0.0.1', port: await freeSipPort() }
  const { ariUrl, user, password, version } = await ensureAsterisk({
    home,
    sip,
    rtpPorts: { from: 30_000, to: 39_999 },
    progress,
  })
  const fetched = new Map<string, number>()
  const promptUrl = await servePrompts(t, fetched)
  return {
    home,
    ariUrl,
    user,
    password,
    version,
    sip,
    promptUrl,
    fetched,
    hotline: `sip:hotline@${sip.host}:${sip.port}`,
    phone: async (t, user, password) => {
      const phone = await Phone.open({ host: '127.0.0.1', user, ...(password === undefined ? {} : { password, registrar: sip }) })
      t.teardown(() => phone.close())
      return phone
    },
  }
}

/** Real prompts are named by 64 characters; where that name is shorter, Asterisk's cache must have a shorter path. */
const AS_LONG_AS_A_HASH = '0'.repeat(56)

/** `tone-2000-a` is two seconds of a tone; whatever else is asked for is not there. */
async function servePrompts(t: Test, fetched: Map<string, number>): Promise<string> {
  const server = createServer((request, response) => {
    const name = /^\/prompts\/0+\/([\w-]+)\.wav$/.exec(request.url ?? '')?.[1] ?? ''
    fetched.set(name, (fetched.get(name) ?? 0) + 1)
    const ms = /^tone-(\d+)/.exec(name)?.[1]
    if (ms === undefined) return void response.writeHead(404).end()
    const wav = tone(Number(ms))
    response
      .writeHead(200, { 'content-type': 'audio/wav', 'content-length': wav.length, 'cache-control': 'public, max-age=31536000, immutable' })
      .end(wav)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/prompts/${AS_LONG_AS_A_HASH}`
}

/** WAV, 8 kHz, mono, 16 bit. */
function tone(ms: number): Buffer {
  const samples = (8000 * ms) / 1000
  const wav = Buffer.alloc(44 + samples * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + samples * 2, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8000, 24)
  wav.writeUInt32LE(16000, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples * 2, 40)
  for (let i = 0; i < samples; i++) wav.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 8000)), 44 + i * 2)
  return wav
}
