import { join } from 'node:path'
import { AudioFileError, PromptStore } from '../app/prompts.ts'
import { cacheDir } from '../local/cache.ts'
import { openHome } from '../local/home.ts'
import { openVoice } from '../local/voice/open.ts'
import { renderPrompts } from '../main/definitions.ts'
import { readServiceFile } from '../main/service-file.ts'
import { environmentOrFail, progressOnStderr } from './surroundings.ts'

/** Makes every prompt ready without starting anything; a file that is no audio is named. */
export async function promptsRender(): Promise<number> {
  const environment = environmentOrFail()
  const home = await openHome(environment.home)
  const { service, audioFailure } = await readServiceFile(environment.configFile, Date.now())
  const progress = progressOnStderr()
  const voice = await openVoice({ command: service.tts.command ?? undefined, cacheDir: await cacheDir(), progress })
  const prompts = new PromptStore({ folder: join(home.path, 'prompts'), voice })
  try {
    progress.step('preparing prompts')
    const { all } = await renderPrompts(service, prompts)
    progress.done(`${all.length} prompts are ready in ${join(home.path, 'prompts')}`)
    return 0
  } catch (error) {
    if (error instanceof AudioFileError) throw audioFailure(error)
    throw error
  } finally {
    await prompts.close()
    await voice.close()
  }
}
