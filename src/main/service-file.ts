/** Reading `pforte.yaml`, and saying what is wrong with it in a way that helps. */
import { readFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import type { AudioFileError } from '../app/prompts.ts'
import { configurationIsWrong, formatProblems, loadService, type Problem, type Service } from '../config.ts'
import { errorCode, PartFailure } from '../local/part-failure.ts'

export type ServiceFile = {
  service: Service
  /** The failure to throw for a prompt's file that turned out to be no audio, named at its line. */
  audioFailure(error: AudioFileError): PartFailure
}

/** @throws PartFailure with exit code 2, naming every mistake with line and hint */
export async function readServiceFile(path: string, now: number): Promise<ServiceFile> {
  const text = await readText(path)
  const loaded = loadService(text, { promptFolder: dirname(path), now })
  const shown = relative(process.cwd(), path)
  const failure = (problems: Problem[]): PartFailure =>
    new MistakesInFile(formatProblems(problems, shown.startsWith('..') ? path : shown, text))
  if (!loaded.ok) throw failure(loaded.problems)
  const { service, problemAt } = loaded
  return {
    service,
    audioFailure: (error) => {
      for (const [name, texts] of Object.entries(service.prompts)) {
        for (const [language, source] of Object.entries(texts)) {
          if ('file' in source && source.file === error.file)
            return failure([problemAt(['prompts', name, language, 'file'], `${error.why}`, error.hint)])
        }
      }
      return failure([problemAt(['prompts'], error.message, error.hint)])
    },
  }
}

/** Its message is the mistakes themselves, as they are to be shown. */
export class MistakesInFile extends PartFailure {
  constructor(shown: string) {
    super({ part: 'configuration', what: shown, mend: '', exitCode: configurationIsWrong })
  }
}

export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT'
    throw new PartFailure({
      part: 'configuration',
      what: missing ? `there is no ${path}` : `${path} cannot be read (${errorCode(error) ?? String(error)})`,
      mend: missing
        ? 'Set PFORTE_CONFIG to your pforte.yaml, or run from the folder that has one.'
        : 'Give the user that Pforte runs as the right to read it.',
      exitCode: configurationIsWrong,
    })
  }
}
