// Run as another user by unprivileged.test.ts: brings up both parts, twice, and says how it went.
import { ensureAsterisk, stopAsterisk } from '../../../src/local/asterisk.ts'
import { silent as progress } from '../../../src/local/progress.ts'
import { ensurePostgres, stopPostgres } from '../../../src/local/postgres.ts'
import { freeSipPort } from './homes.ts'

const [home = '', cacheDir = ''] = process.argv.slice(2)
const sip = { host: '127.0.0.1', port: await freeSipPort() }
const adopted: boolean[] = []
try {
  for (let start = 1; start <= 2; start++) {
    adopted.push((await ensurePostgres({ home, cacheDir, progress })).adopted)
    adopted.push((await ensureAsterisk({ home, cacheDir, sip, rtpPorts: { from: 20_000, to: 29_999 }, progress })).adopted)
  }
} finally {
  const stopped = [await stopAsterisk(home), await stopPostgres(home)]
  console.log(JSON.stringify({ adopted, stopped }))
}
