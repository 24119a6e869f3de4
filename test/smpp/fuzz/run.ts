/** The link against a malicious carrier, for long: `node test/smpp/fuzz/run.ts [frames] [seed]`. */
import { fuzzLink } from './malicious-carrier.ts'

const [frames = '500000', seed] = process.argv.slice(2)
const startedAt = performance.now()
const fuzzed = await fuzzLink(Number(frames), seed === undefined ? undefined : Number(seed))
console.log(`the link: ${JSON.stringify(fuzzed)} in ${Math.round((performance.now() - startedAt) / 1000)} s`)
