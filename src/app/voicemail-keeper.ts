/**
 * Brings recordings from the PBX into the store, where each becomes a ticket,
 * once.
 *
 * The PBX's own list of stored recordings is the list of what is to be done:
 * a recording is deleted there only after its ticket is committed, and the
 * ticket is unique by the recording's name. So a crash at any moment is
 * mended by looking at that list again (`sweep`), which happens after every
 * connect. The fallback dialplan's recordings come in the same way; its callers
 * are not ours, nobody tells when they go, so while there are any it is looked
 * again and again.
 */
import { readWav, soundsEmpty } from '../domain/ticket/voice-activity.ts'
import type { CallStore } from './ports/store.ts'
import type { Log } from './ports/log.ts'
import type { Telephony } from './ports/telephony.ts'
import { FALLBACK_RECORDING_PREFIX, recordingParts } from './calls/ids.ts'
import { isGrowing, parseFallbackName } from './fallback-recording.ts'
import { untilStored } from './store-patience.ts'

/** A voicemail is minutes, not hours; more than this is not one. 64 MiB is over an hour of 8 kHz audio. */
const LARGEST_RECORDING_BYTES = 64 * 1024 * 1024
const RETRY_MS = 1_000
/** If neither the end nor the failure of a recording is ever told, ask the PBX after this. */
const UNTOLD_MS = 5_000
/** How soon a message is a ticket that was left with the fallback while we came back. */
const FALLBACK_AGAIN_MS = 2_000

export type KeptCall = { line: string; caller: string | null; language: string; startedAt: number }

type Pending = { finished: boolean; working: boolean; timer: NodeJS.Timeout | null; saidWhyNot: boolean }

export type VoicemailKeeperDeps = {
  telephony: Telephony
  store: CallStore
  log: Log
  now: () => number
  /** What is known of the call, in memory or in the store; null when there is no such call. */
  describeCall(callId: string): Promise<KeptCall | null>
  /** A caller is speaking into it, as far as we know. */
  isBeingMade(recording: string): boolean
  defaultLanguage: string
  /** `ticket` null: the recording was empty. */
  onKept(kept: { recording: string; callId: string | null; ticketId: string | null; ticketNumber: string | null }): void
}

export class VoicemailKeeper {
  readonly #deps: VoicemailKeeperDeps
  readonly #pending = new Map<string, Pending>()
  #fallbackAgain: NodeJS.Timeout | undefined
  #closed = false

  constructor(deps: VoicemailKeeperDeps) {
    this.#deps = deps
  }

  /** The recording of a call whose caller has said something, or hung up while recording. */
  keep(recording: string): void {
    const entry = this.#entry(recording)
    if (!entry.finished && entry.timer === null) entry.timer = setTimeout(() => void this.#askWhetherLive(recording), UNTOLD_MS)
    if (entry.finished) void this.#pull(recording)
  }

  /** Nothing was said: the file goes, and no ticket comes of it. */
  drop(recording: string): void {
    this.#pending.delete(recording)
    void this.#deps.telephony.deleteRecording(recording).then((deleted) => {
      // The sweep after the next connect finds it again and hears that it is empty.
      if (!deleted.ok && deleted.why !== 'gone')
        this.#deps.log.info({ recording, why: deleted.why }, 'an empty recording stays on the PBX for now')
    })
  }

  /** The PBX says that the file is complete. */
  finished(recording: string): void {
    const entry = this.#pending.get(recording)
    if (entry === undefined) return
    entry.finished = true
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    void this.#pull(recording)
  }

  /** Looks for what was left on the PBX. `live` names what was being recorded when the PBX was asked; others may have begun since. */
  async sweep(live: ReadonlySet<string>): Promise<void> {
    await this.#sweep((name, fallbackLegs) => {
      const isOurs = recordingParts(name) !== null
      return isOurs ? !live.has(name) && !this.#deps.isBeingMade(name) : isWhole(name, fallbackLegs)
    })
  }

  async #sweep(wanted: (name: string, fallbackLegs: readonly string[]) => boolean): Promise<void> {
    const { telephony, log } = this.#deps
    clearTimeout(this.#fallbackAgain)
    // Asked before the list: whoever is gone by now has left a whole message.
    const legs = await telephony.fallbackLegs()
    const stored = await telephony.storedRecordings()
    if (!legs.ok || !stored.ok) {
      const failed = legs.ok ? stored : legs
      if (!failed.ok)
        log.warn(
          { why: failed.why, detail: failed.detail },
          'the list of stored recordings cannot be had now; tried again at the next connect',
        )
      return
    }
    for (const { name } of stored.value) {
      if (!wanted(name, legs.value)) continue
      this.#entry(name).finished = true
      void this.#pull(name)
    }
    if (legs.value.length === 0 || this.#closed) return
    this.#fallbackAgain = setTimeout(() => void this.#sweep(isWhole), FALLBACK_AGAIN_MS)
  }

  get underWay(): number {
    return this.#pending.size
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#fallbackAgain)
    for (const entry of this.#pending.values()) if (entry.timer !== null) clearTimeout(entry.timer)
  }

  #entry(recording: string): Pending {
    let entry = this.#pending.get(recording)
    if (entry === undefined) {
      entry = { finished: false, working: false, timer: null, saidWhyNot: false }
      this.#pending.set(recording, entry)
    }
    return entry
  }

  async #askWhetherLive(recording: string): Promise<void> {
    const entry = this.#pending.get(recording)
    if (entry === undefined || entry.finished || this.#closed) return
    entry.timer = null
    const observed = await this.#deps.telephony.observe([recording])
    if (observed.ok && !observed.value.liveRecordings.includes(recording)) this.finished(recording)
    else entry.timer = setTimeout(() => void this.#askWhetherLive(recording), UNTOLD_MS)
  }

  async #pull(recording: string): Promise<void> {
    const entry = this.#entry(recording)
    if (entry.working || this.#closed) return
    entry.working = true
    // A try that waits for its turn would come after this one, and find nothing any more.
    if (entry.timer !== null) clearTimeout(entry.timer)
    entry.timer = null
    try {
      const done = await this.#keepOnce(recording)
      if (done) this.#pending.delete(recording)
      else if (!this.#closed) entry.timer = setTimeout(() => void this.#pull(recording), RETRY_MS)
    } catch (error) {
      // It stays on the PBX, so the next connect finds it again.
      this.#pending.delete(recording)
      this.#deps.log.error({ err: error, recording }, 'this recording could not be made a ticket; it stays on the PBX')
    } finally {
      entry.working = false
    }
  }

  /** True when nothing is left to do for this recording. */
  async #keepOnce(recording: string): Promise<boolean> {
    const { telephony, store, log } = this.#deps
    const fetched = await telephony.fetchRecording(recording)
    if (!fetched.ok) {
      if (fetched.why !== 'gone') return this.#notYet(recording, `${fetched.why}: ${fetched.detail}`)
      log.info({ recording }, 'the PBX has no such recording (any more): nothing was said, or it is a ticket already')
      this.#tell(recording, null, null)
      return true
    }
    const wav = await collect(fetched.value)
    if (wav === null) return this.#notYet(recording, 'the file broke off')
    const audio = readWav(wav)
    const meta = await this.#describe(recording)
    if (meta === null) return false
    if (audio === null || soundsEmpty(audio)) {
      log.info({ recording, bytes: wav.length }, 'an empty recording makes no ticket')
      await telephony.deleteRecording(recording)
      this.#tell(recording, null, null)
      return true
    }
    const request = { ...meta, recording, wav, durationMs: audio.durationMs }
    const kept = await untilStored(
      () => store.keepVoicemail(request),
      () => !this.#closed,
    )
    if (kept === null) return false
    const deleted = await telephony.deleteRecording(recording)
    if (!deleted.ok && deleted.why !== 'gone')
      log.warn({ recording, why: deleted.why }, 'a kept recording could not be deleted on the PBX yet')
    log.info({ recording, ticket: kept.ticketNumber, already: kept.already }, 'voicemail kept as a ticket')
    this.#tell(recording, kept.ticketId, kept.ticketNumber)
    return true
  }

  /** One line for each recording, not one for each try. */
  #notYet(recording: string, why: string): false {
    const entry = this.#entry(recording)
    if (!entry.saidWhyNot) this.#deps.log.warn({ recording, why }, 'this recording cannot be fetched now; tried again until it can')
    entry.saidWhyNot = true
    return false
  }

  async #describe(
    recording: string,
  ): Promise<{ callId: string | null; line: string | null; caller: string | null; at: number; language: string } | null> {
    const parts = recordingParts(recording)
    if (parts === null) {
      const { at, caller, line } = parseFallbackName(recording)
      return { callId: null, line, caller, at: at ?? this.#deps.now(), language: this.#deps.defaultLanguage }
    }
    const call = await untilStored(
      () => this.#deps.describeCall(parts.call),
      () => !this.#closed,
    )
    if (call === null)
      return this.#closed ? null : { callId: null, line: null, caller: null, at: this.#deps.now(), language: this.#deps.defaultLanguage }
    return { callId: parts.call, line: call.line, caller: call.caller, at: this.#deps.now(), language: call.language }
  }

  #tell(recording: string, ticketId: string | null, ticketNumber: string | null): void {
    this.#deps.onKept({ recording, callId: recordingParts(recording)?.call ?? null, ticketId, ticketNumber })
  }
}

/** A message left with the fallback whose caller has gone. */
const isWhole = (name: string, fallbackLegs: readonly string[]): boolean =>
  name.startsWith(FALLBACK_RECORDING_PREFIX) && !isGrowing(name, fallbackLegs)

/** Null when the stream broke or is too long: the file is still on the PBX. */
async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer | null> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of stream) {
      bytes += piece.length
      if (bytes > LARGEST_RECORDING_BYTES) throw new Error(`a recording of over ${LARGEST_RECORDING_BYTES} bytes is refused`)
      pieces.push(piece)
    }
  } catch (error) {
    if (bytes > LARGEST_RECORDING_BYTES) throw error
    return null
  }
  return Buffer.concat(pieces, bytes)
}
