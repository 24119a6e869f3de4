/** What is spoken: texts as they are, audio files found and looked at. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { NotAudio, readWav } from '../app/audio/wav.ts'
import type { Draft } from './draft.ts'
import { promptsOfTheHouse } from './service.ts'
import type { PromptText } from './service.ts'
import type { Mistake } from './validate.ts'

export function promptsOf(
  draft: Draft,
  languages: readonly string[],
  promptFolder: string,
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
      const found = audioFile(resolve(promptFolder, written.file))
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

function audioFile(file: string): { file: string; contentHash: string } | Pick<Mistake, 'message' | 'hint'> {
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT'
      ? { message: `there is no file ${file}`, hint: 'Paths begin at the folder of this file. Put the audio file there, or write a text.' }
      : { message: `the file ${file} cannot be read (${code ?? String(error)})`, hint: 'Make it a file that this user may read.' }
  }
  try {
    readWav(content)
  } catch (error) {
    if (!(error instanceof NotAudio)) throw error
    return {
      message: `${file} cannot be a prompt: ${error.message}`,
      hint: 'Save it as WAV (any rate, any number of channels) with an audio editor.',
    }
  }
  return { file, contentHash: createHash('sha256').update(content).digest('hex') }
}
