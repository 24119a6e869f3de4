/**
 * `npm run call`: plays a caller over real SIP and RTP against the running
 * Pforte and tells the story as it happens, from what is heard on the line and
 * from what the API shows.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureSecret } from '../local/home.ts'
import { PartFailure } from '../local/part-failure.ts'
import { PromptStore, type PromptSource } from '../app/prompts.ts'
import { cacheDir } from '../local/cache.ts'
import { Story } from '../local/demo/story.ts'
import { tellCall, type Demo, type DemoPrompt, type Plan } from '../local/demo/tell-call.ts'
import { silent } from '../local/progress.ts'
import { openVoice } from '../local/voice/open.ts'
import { DEMO_CALLER } from '../main/demo-data.ts'
import { readServiceFile } from '../main/service-file.ts'
import { runningPforte } from '../main/run-file.ts'
import { environmentOrFail } from './surroundings.ts'

export type CallOptions = { pinFile?: string; pin?: boolean; voicemail?: boolean }

export async function call(options: CallOptions): Promise<number> {
  const { home, apiKey, configFile } = environmentOrFail()
  const running = await runningPforte(home)
  if (running === null)
    throw new PartFailure({ part: 'call', what: `no Pforte runs from ${home}`, mend: 'Start it with npm start in another terminal.' })
  if (!running.embedded.asterisk) {
    throw new PartFailure({
      part: 'call',
      what: 'this Pforte serves a configured Asterisk',
      mend: 'The demo caller and agent are for the private one; call your own with a phone.',
    })
  }
  const plan = await planOf(options, home)
  const api = { url: running.url, key: apiKey ?? (await ensureSecret(home, 'api-key')) }
  const heard = await whatIsHeard(configFile, home)
  return tellCall({ api, sipUri: running.sipUri, plan, story: new Story(process.stdout), caller: DEMO_CALLER, ...heard })
}

/** The prompts to recognise, and what caller and agent say to each other, in the language of the first line. */
async function whatIsHeard(configFile: string, home: string): Promise<Pick<Demo, 'prompts' | 'line' | 'agentGreeting' | 'callerSpeech'>> {
  const { service } = await readServiceFile(configFile, Date.now())
  const line = service.lines[0]
  if (line === undefined) throw new Error('a service has at least one line')
  const voice = await openVoice({ command: service.tts.command ?? undefined, cacheDir: await cacheDir(), progress: silent })
  const store = new PromptStore({ folder: join(home, 'prompts'), voice })
  try {
    const wavOf = async (source: PromptSource): Promise<Buffer> => {
      const { hash } = await store.add(source)
      const prompt = await store.get(hash)
      if (prompt === undefined) throw new Error('a prompt that was made ready is there')
      return prompt.wav
    }
    const prompts = new Map<string, DemoPrompt>()
    for (const [name, texts] of Object.entries(service.prompts)) {
      const source = texts[line.language]
      if (source === undefined) continue
      const isText = 'text' in source
      prompts.set(name, {
        wav: await wavOf(isText ? { text: source.text, language: line.language } : source),
        text: isText ? source.text : name,
      })
    }
    const spoken = SPOKEN[line.language] ?? SPOKEN_IN_ENGLISH
    const [agentGreeting, callerSpeech] = await Promise.all([
      wavOf({ text: spoken.agent, language: line.language }),
      wavOf({ text: spoken.caller, language: line.language }),
    ])
    return { prompts, line: line.name, agentGreeting, callerSpeech }
  } finally {
    await store.close()
    await voice.close()
  }
}

const SPOKEN_IN_ENGLISH = {
  agent: 'Hello, this is the demo agent. How can I help you?',
  caller: 'The line in our office has been dead since this morning. Please call back.',
}
const SPOKEN: Record<string, { agent: string; caller: string }> = {
  de: {
    agent: 'Guten Tag, hier spricht der Demo-Agent. Was kann ich für Sie tun?',
    caller: 'Die Leitung in unserem Büro ist seit heute früh tot. Bitte rufen Sie zurück.',
  },
  en: SPOKEN_IN_ENGLISH,
}

async function planOf({ pinFile, pin, voicemail }: CallOptions, home: string): Promise<Plan> {
  if (voicemail === true) return { is: 'voicemail' }
  if (pin === false) return { is: 'no_pin' }
  const file = pinFile ?? join(home, 'demo-pin')
  const digits = (await readFile(file, 'utf8').catch(() => null))?.trim()
  if (digits === undefined) {
    throw new PartFailure({
      part: 'call',
      what: `there is no PIN in ${file}`,
      mend: 'Make one with npx pforte pin issue --contract ID, and name its file with --pin-file; or call with --no-pin.',
    })
  }
  if (!/^\d+$/.test(digits))
    throw new PartFailure({ part: 'call', what: `${file} does not hold a PIN`, mend: 'It should hold its digits and nothing else.' })
  return { is: 'pin', digits }
}
