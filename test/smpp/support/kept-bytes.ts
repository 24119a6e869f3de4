/** What this process keeps: memory that the collector cannot give back. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const SWEEP_MS = 50

export async function keptBytes(): Promise<number> {
  collectGarbage()
  // Octets outside the heap are given back beside the collector, and counted then.
  await new Promise((resolve) => setTimeout(resolve, SWEEP_MS))
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
