import { readWav, writeWav } from '../../../app/audio/wav.ts'
import { packetMs } from './clock.ts'
import { type Occurrence, PromptShape } from './recognise.ts'

/** Where times are `…At`, they are `performance.now()` of this process. */
export interface PromptHeard {
  readonly startedAt: number
  /** How much of it was heard without a break. */
  readonly heardMs: number
  readonly endedAt: number
  /** It was heard to its end. */
  readonly complete: boolean
}

export interface Waiting {
  /** Only what arrived after this counts; by default everything since the call began. */
  readonly since?: number
  readonly timeoutMs?: number
}

/** What was waited for was not heard in time. */
export class NotHeard extends Error {
  override readonly name = 'NotHeard'
}

const samplesPerMs = 8
const usualTimeoutMs = 10_000
/** Louder than comfort noise and G.711's own hiss: about -45 dB below full scale. */
const audibleLevel = 184
/** A jump of the sender's clock that the clock on the wall does not show is another sender, not a gap. */
const mostSkewMs = 500
/** In samples: packets that follow each other, one or two of them lost on the way. */
const nextStep = 3 * packetMs * samplesPerMs
/** Sound that was searched in vain is not searched again, but for what a prompt may just have begun in. */
const keptSamples = 1600 * samplesPerMs
/** An expected prompt is looked for this often. */
const lookEveryMs = 200
/** Many who listen at once on a busy machine must not leave it without time for their sound: so many times the look's cost. */
const restAfterLook = 10

/** Everything that was heard in a call, on one time line, gaps included. */
export class Heard {
  #pcm = new Float32Array(samplesPerMs * 10_000)
  #length = 0
  readonly #packets: { at: number; sample: number }[] = []
  #lastTimestamp = 0
  #source: number | undefined
  #lastAudibleAt: number | undefined
  #audibleUpTo = 0
  readonly #listeners = new Set<() => void>()

  /** How many packets of sound arrived. */
  get packets(): number {
    return this.#packets.length
  }

  get startedAt(): number | undefined {
    return this.#packets[0]?.at
  }

  get lastPacketAt(): number | undefined {
    return this.#packets.at(-1)?.at
  }

  get durationMs(): number {
    return this.#length / samplesPerMs
  }

  /** Takes a packet of sound; a late or repeated one is left out. */
  add(at: number, source: number, timestamp: number, samples: Int16Array): void {
    const sample = this.#place(at, source, timestamp)
    if (sample === undefined) return
    this.#source = source
    this.#lastTimestamp = timestamp
    this.#packets.push({ at, sample })
    while (sample + samples.length > this.#pcm.length) {
      const longer = new Float32Array(this.#pcm.length * 2)
      longer.set(this.#pcm)
      this.#pcm = longer
    }
    this.#pcm.set(samples, sample)
    this.#length = sample + samples.length
    if (levelOf(samples) > audibleLevel) {
      this.#lastAudibleAt = at
      this.#audibleUpTo = this.#length
    }
    for (const listener of [...this.#listeners]) listener()
  }

  #place(at: number, source: number, timestamp: number): number | undefined {
    const last = this.#packets.at(-1)
    if (last === undefined) return 0
    const elapsedMs = at - last.at
    const step = (timestamp - this.#lastTimestamp) | 0
    if (source === this.#source) {
      // Read late, because this process was held up: the sender's clock knows better when it was said.
      const isNext = step > 0 && step <= nextStep
      if (isNext || Math.abs(step / samplesPerMs - elapsedMs) < mostSkewMs) return step <= 0 ? undefined : last.sample + step
    }
    return Math.max(this.#length, last.sample + Math.round(elapsedMs * samplesPerMs))
  }

  /** The samples heard after `since`, at 8 kHz, as a WAV file. */
  wav(since?: number): Buffer {
    return writeWav(Int16Array.from(this.#pcm.subarray(this.#sampleAt(since), this.#length)), samplesPerMs * 1000)
  }

  /** The longest time without a packet, in milliseconds, the time from the last packet to `until` (or now) included. */
  longestGapMs({ since = -Infinity, until = performance.now() }: { since?: number; until?: number } = {}): number {
    let longest = 0
    let last: number | undefined = Number.isFinite(since) ? since : undefined
    for (const { at } of this.#packets) {
      if (at < since || at > until) continue
      if (last !== undefined) longest = Math.max(longest, at - last)
      last = at
    }
    return last === undefined ? Infinity : Math.max(longest, until - last)
  }

  /** How much of the last `overMs` is one tone: 0 for none of it, 1 for nothing else. */
  toneLevel(hz: number, overMs = 200): number {
    return this.#toneLevel(hz, Math.max(0, this.#length - overMs * samplesPerMs), this.#length)
  }

  #toneLevel(hz: number, from: number, to: number): number {
    const samples = this.#pcm.subarray(from, to)
    const energy = samples.reduce((sum, sample) => sum + sample * sample, 0)
    if (energy < audibleLevel ** 2 * samples.length || samples.length === 0) return 0
    // Goertzel's recurrence: one coefficient of the Fourier transform.
    const factor = 2 * Math.cos((2 * Math.PI * hz) / (samplesPerMs * 1000))
    let [one, two] = [0, 0]
    for (const sample of samples) [one, two] = [sample + factor * one - two, one]
    return Math.min(1, (2 * (one * one + two * two - factor * one * two)) / (energy * samples.length))
  }

  /** Whether and when the prompt was heard, the first time after `since`. */
  hears(prompt: PromptShape | Buffer, since?: number): PromptHeard | undefined {
    const shape = prompt instanceof PromptShape ? prompt : promptShape(prompt)
    const from = this.#sampleAt(since)
    const found = this.#find(shape, from, from)
    return found === undefined ? undefined : this.#timed(found)
  }

  /** The first place at or after the sample `from`, of a prompt that began at or after `earliest`. */
  #find(shape: PromptShape, from: number, earliest: number): Occurrence | undefined {
    const found = shape.find(this.#pcm.subarray(from, this.#length), 0, earliest - from)
    return found === undefined ? undefined : { ...found, startSample: from + found.startSample }
  }

  #timed({ startSample, heardSamples, complete }: Occurrence): PromptHeard {
    return {
      startedAt: this.#timeOf(startSample),
      heardMs: heardSamples / samplesPerMs,
      endedAt: this.#timeOf(startSample + heardSamples),
      complete,
    }
  }

  /** Waits until something louder than silence arrives. @returns when it did. @throws {NotHeard} */
  async waitForAudio({ since = 0, timeoutMs }: Waiting = {}): Promise<number> {
    return this.#until('anything', timeoutMs, () => ((this.#lastAudibleAt ?? -1) > since ? this.#lastAudibleAt : undefined))
  }

  /**
   * Waits until nothing audible has arrived for `quietMs`: silence was heard for as long, or nothing at all came.
   * @returns since when it has been silent. @throws {NotHeard}
   */
  async waitForSilence(quietMs: number, { since = 0, timeoutMs = usualTimeoutMs }: Waiting = {}): Promise<number> {
    const giveUpAt = performance.now() + timeoutMs
    for (const begunAt = Math.max(since, this.startedAt ?? performance.now()); ; ) {
      const silentSince = Math.max(begunAt, this.#lastAudibleAt ?? 0)
      const remainingMs = silentSince + quietMs - performance.now()
      if (remainingMs <= 0 && this.#wasQuiet(quietMs, begunAt)) return silentSince
      if (performance.now() + remainingMs > giveUpAt) throw new NotHeard(`It was not silent for ${quietMs} ms within ${timeoutMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, Math.max(remainingMs, packetMs)))
      // What waits in the socket, because this process was held up, is read before it is judged.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** The clock may be ahead of the sound, which is late when either side was held up. */
  #wasQuiet(quietMs: number, begunAt: number): boolean {
    const nothingComes = performance.now() - (this.lastPacketAt ?? 0) >= quietMs
    return nothingComes || this.#length - Math.max(this.#audibleUpTo, this.#sampleAt(begunAt)) >= quietMs * samplesPerMs
  }

  /**
   * Waits for a tone of at least `lastingMs`, such as the beep; one that has sounded after `since` counts, however busy
   * this process was meanwhile. Without `since` it has to sound now. @returns when it was recognised. @throws {NotHeard}
   */
  async waitForTone(hz: number, { since, timeoutMs, lastingMs = 100 }: Waiting & { lastingMs?: number } = {}): Promise<number> {
    const window = lastingMs * samplesPerMs
    let from = since === undefined ? Math.max(0, this.#length - window) : this.#sampleAt(since)
    return this.#until(`a tone of ${hz} Hz`, timeoutMs, () => {
      for (; from + window <= this.#length; from += packetMs * samplesPerMs) {
        if (this.#toneLevel(hz, from, from + window) > 0.8) return this.#timeOf(from + window)
      }
      return undefined
    })
  }

  /** Waits until the prompt is recognised, which is about a second after it began. @throws {NotHeard} */
  async waitForPrompt(wav: Buffer, waiting: Waiting = {}): Promise<PromptHeard> {
    return (await this.waitForOneOf(new Map([['the prompt', wav]]), waiting)).heard
  }

  /**
   * Waits until one of several prompts is recognised.
   * @param prompts WAV files as they are served
   * @throws {NotHeard}
   */
  async waitForOneOf<Name>(
    prompts: ReadonlyMap<Name, Buffer>,
    { since, timeoutMs }: Waiting = {},
  ): Promise<{ name: Name; heard: PromptHeard }> {
    const shapes = [...prompts].map(([name, wav]) => [name, promptShape(wav)] as const)
    // In samples and not by the clock: what waited in the socket while this process was held up has come all at once.
    const earliest = this.#sampleAt(since)
    let from = earliest
    let lookedAt = -Infinity
    let lookCostMs = 0
    return this.#until([...prompts.keys()].join(' or '), timeoutMs, () => {
      const now = this.lastPacketAt ?? 0
      if (now - lookedAt < Math.max(lookEveryMs, lookCostMs * restAfterLook)) return undefined
      lookedAt = now
      const began = performance.now()
      const [best, second] = shapes
        .flatMap(([name, shape]) => {
          const heard = this.#find(shape, from, earliest)
          return heard === undefined ? [] : [{ name, heard }]
        })
        .toSorted((a, b) => b.heard.heardSamples - a.heard.heardSamples)
      // Two that begin with the same words are told apart by what comes after them.
      const unheard = best === undefined ? 0 : this.#length - best.heard.startSample - best.heard.heardSamples
      const alike = best !== undefined && second?.heard.heardSamples === best.heard.heardSamples && unheard < keptSamples
      from = Math.max(from, Math.min(this.#length - keptSamples, alike ? best.heard.startSample - packetMs * samplesPerMs : Infinity))
      lookCostMs = performance.now() - began
      return best === undefined || alike ? undefined : { name: best.name, heard: this.#timed(best.heard) }
    })
  }

  #until<T>(what: string, timeoutMs = usualTimeoutMs, look: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const done = (): void => {
      clearTimeout(timeout)
      this.#listeners.delete(listener)
    }
    const listener = (): void => {
      const found = look()
      if (found === undefined) return
      done()
      resolve(found)
    }
    const timeout = setTimeout(() => {
      done()
      reject(new NotHeard(`${what} was not heard within ${timeoutMs} ms`))
    }, timeoutMs)
    this.#listeners.add(listener)
    listener()
    return promise
  }

  /** The first sample that arrived after `at`. */
  #sampleAt(at: number | undefined): number {
    if (at === undefined) return 0
    const packet = this.#packets[firstIndex(this.#packets, (one) => one.at >= at)]
    return packet?.sample ?? this.#length
  }

  #timeOf(sample: number): number {
    const index = firstIndex(this.#packets, (one) => one.sample > sample)
    const packet = this.#packets[Math.max(0, index - 1)] ?? { at: 0, sample: 0 }
    return packet.at + Math.min((sample - packet.sample) / samplesPerMs, packetMs)
  }
}

/** A served prompt in the form that it is recognised by. */
export function promptShape(wav: Buffer): PromptShape {
  const { channels } = readWav(wav)
  return new PromptShape(Int16Array.from(channels[0] ?? [], (sample) => sample * 32767))
}

/** The first index for which `holds`, which is false and then true along the array. */
function firstIndex<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(items[middle] as T)) high = middle
    else low = middle + 1
  }
  return low
}

function levelOf(samples: Int16Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return Math.sqrt(sum / Math.max(1, samples.length))
}
