import t from 'tap'
import { runHttp } from './running.ts'

const WAV = Buffer.from('RIFF a prompt')
const HASH = 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3'
const prompts = { get: async (hash: string) => (hash === HASH ? { wav: WAV } : hash === 'whisper-1' ? { wav: WAV, noStore: true } : null) }

t.test('Asterisk fetches a prompt without a key and may keep it for a year', async (t) => {
  const { url } = await runHttp(t, { prompts })
  const prompt = await fetch(`${url}/prompts/${HASH}.wav`)
  t.equal(prompt.status, 200)
  t.equal(prompt.headers.get('content-type'), 'audio/wav')
  t.equal(prompt.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  t.equal(prompt.headers.get('content-length'), String(WAV.length))
  t.ok(WAV.equals(Buffer.from(await prompt.arrayBuffer())))

  const etag = prompt.headers.get('etag') ?? ''
  t.equal(etag, `"${HASH}"`)
  t.equal((await fetch(`${url}/prompts/${HASH}.wav`, { headers: { 'if-none-match': etag } })).status, 304)
  t.equal((await fetch(`${url}/prompts/${HASH}.wav`, { headers: { 'if-none-match': '"other"' } })).status, 200)

  const head = await fetch(`${url}/prompts/${HASH}.wav`, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.headers.get('content-length'), String(WAV.length))
})

t.test('what speaks of a person is kept nowhere', async (t) => {
  const { url } = await runHttp(t, { prompts })
  const prompt = await fetch(`${url}/prompts/whisper-1.wav`, { headers: { 'if-none-match': '"whisper-1"' } })
  t.equal(prompt.status, 200)
  t.equal(prompt.headers.get('cache-control'), 'no-store')
})

t.test('a prompt that is not there is a plain 404', async (t) => {
  const { url } = await runHttp(t, { prompts })
  for (const path of ['/prompts/0000000000.wav', '/prompts/..%2f..%2fetc%2fpasswd.wav', `/prompts/${HASH}.mp3`, `/prompts/${HASH}`]) {
    t.equal((await fetch(url + path)).status, 404, path)
  }
})

t.test('only who was named may fetch prompts', async (t) => {
  const { url } = await runHttp(t, { prompts, promptClients: ['10.1.0.0/16', 'fd00::/8'] })
  t.equal((await fetch(`${url}/prompts/${HASH}.wav`)).status, 403)
  const { url: open } = await runHttp(t, { prompts, promptClients: ['127.0.0.1/32'] })
  t.equal((await fetch(`${open}/prompts/${HASH}.wav`)).status, 200)
})
