import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ariAccess } from '../../src/telephony/ari-access.ts'
import { fetchRecordingFile } from '../../src/telephony/recordings.ts'

/** An Asterisk that breaks off after `sent` of `promised` bytes; with nothing promised it never answers. */
async function breakingOff(t: Test, promised: number, sent: number): Promise<ReturnType<typeof ariAccess>> {
  const server = createServer((_, response) => {
    if (promised === 0) return
    response.writeHead(200, { 'content-length': promised }).write(Buffer.alloc(sent), () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return ariAccess({ url, user: 'pforte', password: 'quittengelee', app: 'pforte', limitMs: 200 })
}

t.test('a recording that breaks off is never taken for a whole one', async (t) => {
  const fetched = await fetchRecordingFile(await breakingOff(t, 100_000, 5_000), 'message')
  if (!fetched.ok) return t.fail(fetched.detail)
  const read = async (): Promise<number> => {
    let bytes = 0
    for await (const piece of fetched.value) bytes += piece.length
    return bytes
  }
  await t.rejects(read())
})

t.test('a recording that does not come is given up', async (t) => {
  t.match(await fetchRecordingFile(await breakingOff(t, 0, 0), 'message'), { ok: false, why: 'timeout' })
})

t.test('nobody is there who could have it', async (t) => {
  const access = ariAccess({ url: 'http://127.0.0.1:1', user: 'pforte', password: 'quittengelee', app: 'pforte', limitMs: 200 })
  t.match(await fetchRecordingFile(access, 'message'), { ok: false, why: 'unreachable' })
})
