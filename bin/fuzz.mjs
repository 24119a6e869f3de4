// Frames that nobody meant to send, for as long as one likes: half of them
// against the codec, half against a living link whose carrier means no good.
// `npm run fuzz -- 50000` tries so many in all.
import { fileURLToPath } from 'node:url'
import { prepare, runNode } from './bootstrap.mjs'

const USUAL = 2_000_000

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
await prepare({ development: true })
const total = Number(process.argv[2] ?? USUAL)
if (!Number.isInteger(total) || total < 2) {
  console.error('npm run fuzz takes the number of frames: npm run fuzz -- 50000')
  process.exit(2)
}
for (const script of ['test/wire/smpp/fuzz/run.ts', 'test/smpp/fuzz/run.ts']) {
  const code = await runNode([script, String(Math.ceil(total / 2))])
  if (code !== 0) process.exit(code)
}
