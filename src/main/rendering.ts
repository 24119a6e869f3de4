/** The prompts of `pforte.yaml` as sound, and what is wrong where they cannot be made. */
import type pino from 'pino'
import { VoiceError } from '../app/ports/voice.ts'
import { AudioFileError, type PromptStore } from '../app/prompts.ts'
import type { Service } from '../config.ts'
import { PartFailure } from '../local/part-failure.ts'
import type { Progress } from '../local/progress.ts'
import { renderPrompts, type Rendered } from './definitions.ts'
import { readServiceFile, type ServiceFile } from './service-file.ts'

export const defaultLanguage = (service: Service): string => service.lines[0]?.language ?? 'de'

/** @throws PartFailure that names the text or the file */
export async function renderWithProgress(
  { service, audioFailure }: ServiceFile,
  prompts: PromptStore,
  progress: Progress,
): Promise<Rendered> {
  progress.step('preparing prompts')
  try {
    const rendered = await renderPrompts(service, prompts)
    progress.done(`${rendered.all.length} prompts are ready`)
    return rendered
  } catch (error) {
    if (error instanceof AudioFileError) throw audioFailure(error)
    if (error instanceof VoiceError)
      throw new PartFailure({ part: 'voice', what: error.message, mend: 'Correct the text, or set tts.command to another voice.' })
    throw error
  }
}

/** What Asterisk itself plays to callers while Pforte is away, in the language of the first line. */
export async function fallbackPrompt(service: Service, rendered: Rendered, prompts: PromptStore): Promise<Buffer | undefined> {
  const texts = rendered.byName['fallback'] ?? {}
  const hash = texts[defaultLanguage(service)] ?? Object.values(texts)[0]
  return hash === undefined ? undefined : (await prompts.get(hash))?.wav
}

/** Null when the file is broken: calls wait to be taken up, and what was read before is better than nobody. */
export async function newestDefinitions(
  configFile: string,
  render: (of: ServiceFile) => Promise<Rendered>,
  log: pino.Logger,
): Promise<{ file: ServiceFile; rendered: Rendered } | null> {
  try {
    const file = await readServiceFile(configFile, Date.now())
    return { file, rendered: await render(file) }
  } catch (error) {
    if (!(error instanceof PartFailure)) throw error
    log.error(
      { what: error.what, mend: error.mend },
      'pforte.yaml has a mistake by now; it is served as it was when this process began to stand by',
    )
    return null
  }
}
