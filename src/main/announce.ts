/** Switching a special announcement: rendered first, then stored, then fetched ahead by Asterisk. */
import type { Announcements } from '../app/announcements.ts'
import type { PromptStore } from '../app/prompts.ts'
import { VoiceError } from '../app/ports/voice.ts'
import type { Result } from '../app/ports/records.ts'
import type { Announcement } from '../app/ports/store.ts'
import type { Telephony } from '../app/ports/telephony.ts'
import type { Service } from '../config.ts'
import type { Store } from '../store/open.ts'

export type AnnounceDeps = {
  prompts: PromptStore
  store: Store
  announcements: Announcements
  telephony: Telephony
  service: () => Service
  now: () => number
}

export function announceWith(deps: AnnounceDeps) {
  return async (
    name: string,
    order: { on: boolean; text: Record<string, string>; endsAt: number | null },
  ): Promise<Result<Announcement>> => {
    if (!deps.service().announcements.includes(name)) {
      return refuse('not_found', 'name', `pforte.yaml names no announcement "${name}".`)
    }
    const before = deps.announcements.all.find((one) => one.name === name)
    const text = Object.keys(order.text).length > 0 ? order.text : (before?.text ?? {})
    if (order.on && Object.keys(text).length === 0) return refuse('invalid', 'text', 'An announcement that is on needs a text.')
    const prompts: Record<string, string> = {}
    for (const [language, words] of Object.entries(text)) {
      try {
        prompts[language] = (await deps.prompts.add({ text: words, language })).hash
      } catch (error) {
        if (error instanceof VoiceError) return refuse('invalid', 'text', `The voice cannot speak this: ${error.message}`)
        throw error
      }
    }
    const put = await deps.store.records.putAnnouncement({ name, on: order.on, text, prompts, endsAt: order.endsAt }, deps.now())
    if (!put.ok) return put
    await deps.store.writing.whenCommitted(() => {
      deps.announcements.changed(put.value)
      if (order.on) void deps.telephony.warm(Object.values(prompts))
    })
    return put
  }
}

/** So that the transaction of a write need not stand open while the voice speaks. What fails is found again, and told, by `announceWith`. */
export async function renderAhead(prompts: PromptStore, text: Record<string, string>): Promise<void> {
  for (const [language, words] of Object.entries(text)) await prompts.add({ text: words, language }).catch(() => undefined)
}

function refuse(refused: 'not_found' | 'invalid', field: string, message: string): Result<Announcement> {
  return { ok: false, refusal: { refused, field, message } }
}
