/** What is spoken: texts as they are, audio files found and looked at. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Draft } from './draft.ts'
import { promptsOfTheHouse } from './service.ts'
import type { PromptText } from './service.ts'
import type { Mistake } from './validate.ts'

export type PromptFiles = {
  /** What paths of audio files begin at: the folder of the file. */
  promptFolder: string
  /** Looks into an audio file: what is wrong with it, or null. */
  checkAudio?: ((file: string) => string | null) | undefined
}

export function promptsOf(
  draft: Draft,
  languages: readonly string[],
  files: PromptFiles,
): { prompts: Record<string, Record<string, PromptText>>; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const prompts: Record<string, Record<string, PromptText>> = {}
  for (const [name, byLanguage] of Object.entries(draft.file.prompts)) {
    const spoken: Record<string, PromptText> = {}
    prompts[name] = spoken
    for (const [language, written] of Object.entries(byLanguage)) {
      if (typeof written === 'string') {
        spoken[language] = { text: written.trim().replaceAll(/\s+/g, ' ') }
        continue
      }
      const found = audioFile(resolve(files.promptFolder, written.file), files)
      if ('contentHash' in found) spoken[language] = found
      else mistakes.push({ path: ['prompts', name, language, 'file'], ...found })
    }
  }
  for (const name of promptsOfTheHouse) {
    if (draft.names.prompts === null || (draft.names.prompts.includes(name) && !(name in prompts))) continue
    const missing = languages.filter((language) => draft.file.prompts[name]?.[language] === undefined)
    if (missing.length > 0) {
      mistakes.push({
        path: ['prompts', name],
        of: 'key',
        message: draft.names.prompts.includes(name)
          ? `the prompt ${name} has no text in ${missing.join(', ')}`
          : `there is no prompt ${name}`,
        hint: 'An agent who picks up just as the caller has gone hears it. Add it to prompts.',
      })
    }
  }
  return { prompts, mistakes }
}

function audioFile(file: string, { checkAudio }: PromptFiles): { file: string; contentHash: string } | Pick<Mistake, 'message' | 'hint'> {
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT'
      ? { message: `there is no file ${file}`, hint: 'Paths begin at the folder of this file. Put the audio file there, or write a text.' }
      : { message: `the file ${file} cannot be read (${code ?? String(error)})`, hint: 'Make it a file that this user may read.' }
  }
  const wrong = checkAudio?.(file) ?? null
  return wrong === null
    ? { file, contentHash: createHash('sha256').update(content).digest('hex') }
    : { message: `${file} cannot be a prompt: ${wrong}`, hint: 'Save it as WAV (PCM, any rate) with an audio editor.' }
}
