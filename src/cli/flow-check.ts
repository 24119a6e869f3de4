import { dirname } from 'node:path'
import { configurationIsWrong } from '../config.ts'
import { checkFile } from '../config/check-file.ts'
import { readText } from '../main/service-file.ts'

/** Problems to standard error with exit code 2, or the graphs to standard output. */
export async function flowCheck(file: string): Promise<number> {
  const { text, exitCode } = checkFile(await readText(file), file, { promptFolder: dirname(file), now: Date.now() })
  if (exitCode === configurationIsWrong) process.stderr.write(text)
  else process.stdout.write(text)
  return exitCode
}
