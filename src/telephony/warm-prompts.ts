/**
 * Has Asterisk fetch prompts into its media cache without a caller.
 *
 * A prompt is fetched when it is played, and a bridge can be played to with
 * nobody in it: a few empty bridges, one prompt after the other on each. Each
 * starts ten hours behind its end, so it is over within one frame (20 ms), and
 * unlike one that is stopped it says truly whether the file was there [tried:
 * 30 prompts on 8 bridges in 0.1 s]. A bridge needs no dialplan, which a pair of
 * Local channels would.
 */
import type { Outcome } from '../app/ports/telephony.ts'
import type { AriCall, CommandCarrier } from './ari-call.ts'
import { promptMedia, type CallSettings } from './command-calls.ts'
import { failureOf, isSuccess } from './outcome.ts'

export const WARM_PREFIX = 'pforte-warm-'

const LANES = 8
/** The announcer of the prompt before may be just about to leave the bridge; a fresh bridge has none. */
const ROUNDS = 3
const BEHIND_THE_END_MS = 36_000_000
/** Asterisk itself gives a download 5 s (`timeout_secs` in res_http_media_cache.conf). */
const ONE_PROMPT_MS = 10_000
const ALL_PROMPTS_MS = 60_000

type Played = 'heard' | 'failed' | 'untold'

export class PromptWarmer {
  readonly #carrier: CommandCarrier
  readonly #settings: CallSettings
  readonly #waiting = new Map<string, (how: Played) => void>()
  #before: Promise<unknown> = Promise.resolve()
  #rounds = 0

  constructor(carrier: CommandCarrier, settings: CallSettings) {
    this.#carrier = carrier
    this.#settings = settings
  }

  /** One at a time: a second request waits for the first and then finds all in the cache. */
  warm(prompts: string[]): Promise<Outcome> {
    const run = this.#before.then(() => this.#run(prompts))
    this.#before = run
    return run
  }

  /** A playback of ours is over. */
  finished(playback: string, ok: boolean): void {
    this.#waiting.get(playback)?.(ok ? 'heard' : 'failed')
  }

  /** Nothing will be told any more. */
  lost(): void {
    for (const tell of [...this.#waiting.values()]) tell('untold')
  }

  async #run(prompts: string[]): Promise<Outcome> {
    if (prompts.length === 0) return { ok: true, value: undefined }
    await this.#sweep()
    const until = performance.now() + ALL_PROMPTS_MS
    let failed = prompts
    for (let round = 0; round < ROUNDS && failed.length > 0; round++) {
      const result = await this.#round(failed, until)
      if (!result.ok) return result
      failed = result.value
    }
    if (failed.length === 0) return { ok: true, value: undefined }
    return {
      ok: false,
      why: 'refused',
      detail: `Asterisk could not fetch ${failed.length} of ${prompts.length} prompts, such as ${this.#settings.promptUrl}/${failed[0]}.wav: PROMPT_URL must be an address that it reaches`,
    }
  }

  /** Plays each once, on bridges of this round. @returns those that Asterisk did not play */
  async #round(prompts: string[], until: number): Promise<Outcome<string[]>> {
    const tag = `${WARM_PREFIX}${process.pid}-${Date.now().toString(36)}-${++this.#rounds}`
    const todo = [...prompts]
    const failed: string[] = []
    let stopped: Extract<Outcome, { ok: false }> | null = null

    const lane = async (bridge: string): Promise<void> => {
      const made =
        (await this.#try({ operation: 'bridges.createWithId', params: { bridgeId: bridge, type: 'mixing', name: this.#bridgeName } })) ??
        (await this.#try({
          operation: 'applications.subscribe',
          params: { applicationName: this.#settings.app, eventSource: `bridge:${bridge}` },
        }))
      stopped ??= made
      for (let n = 0, next = todo.shift(); next !== undefined && stopped === null; next = todo.shift()) {
        if (performance.now() > until)
          stopped = { ok: false, why: 'timeout', detail: `not all prompts were fetched within ${ALL_PROMPTS_MS} ms` }
        else {
          const how = await this.#play(bridge, `${bridge}-${++n}`, next)
          if (how === 'failed') failed.push(next)
          else if (how === 'untold')
            stopped = { ok: false, why: 'unreachable', detail: 'the connection was lost while prompts were fetched' }
        }
      }
    }
    const bridges = Array.from({ length: Math.min(LANES, prompts.length) }, (_, i) => `${tag}-${i}`)
    await Promise.all(bridges.map(lane))
    await Promise.all(bridges.map((bridgeId) => this.#carrier.request({ operation: 'bridges.destroy', params: { bridgeId } })))
    return stopped ?? { ok: true, value: failed }
  }

  async #play(bridge: string, playbackId: string, prompt: string): Promise<Played> {
    const told = this.#toldOf(playbackId)
    const media = promptMedia(this.#settings.promptUrl, prompt)
    const reply = await this.#carrier.request({
      operation: 'bridges.playWithId',
      params: { bridgeId: bridge, playbackId, media, offsetms: BEHIND_THE_END_MS },
    })
    if (!isSuccess(reply)) this.#waiting.get(playbackId)?.('failed')
    return told
  }

  #toldOf(playback: string): Promise<Played> {
    return new Promise((resolve) => {
      const tell = (how: Played): void => {
        clearTimeout(limit)
        this.#waiting.delete(playback)
        resolve(how)
      }
      const limit = setTimeout(tell, ONE_PROMPT_MS, 'failed')
      this.#waiting.set(playback, tell)
    })
  }

  /** Bridges that a process left behind which died while it warmed. */
  async #sweep(): Promise<void> {
    const reply = await this.#carrier.request({ operation: 'bridges.list', params: {} })
    if (!isSuccess(reply)) return
    const left = (reply.body as { id: string; name: string }[]).filter(({ name }) => name === this.#bridgeName)
    await Promise.all(left.map(({ id }) => this.#carrier.request({ operation: 'bridges.destroy', params: { bridgeId: id } })))
  }

  get #bridgeName(): string {
    return `${this.#settings.app}-warm`
  }

  /** @returns the failure, or null */
  async #try(call: AriCall): Promise<Extract<Outcome, { ok: false }> | null> {
    const reply = await this.#carrier.request(call)
    return isSuccess(reply) ? null : failureOf(reply)
  }
}
