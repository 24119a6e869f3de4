/**
 * Recognises a known prompt in what was heard, by normalised cross-correlation: first coarsely
 * on a low-passed copy with an eighth of the samples, then exactly. G.711 leaves a correlation
 * of more than 0.99; another prompt of the same voice stays far below 0.7. Pure.
 */

/** Samples a second. */
const rate = 8000
const coarseStep = 8
const windowMs = 400
const windowSamples = (windowMs * rate) / 1000
/** Low enough to let every true place through whichever way the coarse grids lie to each other. */
const coarseLikeness = 0.5
const exactLikeness = 0.85
/** Once its place is known, a window may have lost a packet. */
const likelyLikeness = 0.7
/** Windows this much below the prompt's loudest are pauses, which resemble any silence. */
const pauseShare = 0.03
/** A prompt that is heard this much fainter than it was recorded is none any more. */
const faintestShare = 1 / 10_000
/** Most wrong places are told by this much of a window, an eighth. */
const probeSamples = windowSamples / 8
/** A part of a true place is alike, too; less so than the whole, as its noise does not even out. */
const probeLikeness = 0.6
/** Pitch makes neighbours alike; the true place is among the first of them. */
const mostPlaces = 50
/** How many windows are searched for: the second helps where the first was not heard well. */
const anchorCount = 2
/** And how many more where the beginning came damaged, as it may right after another prompt was cut short. */
const lateAnchorCount = 2
/** Two prompts may begin with the same word. */
const enoughMs = 800

export interface Occurrence {
  /** Where the prompt's first sample lies in what was searched; negative if its beginning was not heard. */
  readonly startSample: number
  /** How far into the prompt it was recognised without a break. */
  readonly heardSamples: number
  /** It was heard to its end. */
  readonly complete: boolean
}

interface Window {
  readonly at: number
  readonly samples: Float32Array
  readonly coarse: Float32Array
  readonly energy: number
  /** Where its loudest part begins, which is compared first. */
  readonly loudestAt: number
}

/** A prompt that is listened for; make it once and ask it as often as more was heard. */
export class PromptShape {
  readonly #windows: readonly Window[]

  /** @param samples at 8 kHz */
  constructor(samples: Int16Array) {
    const all = Float32Array.from(samples)
    const windows: Window[] = []
    for (let at = 0; at < all.length; at += windowSamples) {
      // The last one reaches back, so that a prompt's end is as sure as the rest.
      const start = Math.max(0, Math.min(at, all.length - windowSamples))
      const part = all.slice(start, start + windowSamples)
      windows.push({
        at: start,
        samples: part,
        coarse: coarsened(part, 0, part.length),
        energy: energyOf(part),
        loudestAt: loudestOf(part),
      })
    }
    const loudest = Math.max(...windows.map((window) => window.energy))
    this.#windows = windows.filter((window) => window.energy >= loudest * pauseShare && window.energy > 0)
  }

  /**
   * The first place at or after `from` where the prompt begins to be recognised.
   * @param heard samples at 8 kHz
   * @param earliest one whose beginning was not recognised must have begun at or after this, or it is an older one
   */
  find(heard: Float32Array, from = 0, earliest = from): Occurrence | undefined {
    if (this.#windows.length === 0) return undefined
    const coarse = coarsened(heard, from, heard.length)
    for (const [index, anchor] of this.#windows.slice(0, anchorCount + lateAnchorCount).entries()) {
      const isLate = index >= anchorCount
      const found: Occurrence[] = []
      for (const place of places(coarse, anchor)) {
        const at = exactPlace(heard, anchor, from + place * coarseStep, 2 * coarseStep, exactLikeness)
        const occurrence = at === undefined ? undefined : this.#follow(heard, at - anchor.at, isLate ? index : 0)
        if (occurrence !== undefined && (!isLate || occurrence.startSample >= earliest)) found.push(occurrence)
      }
      const first = Math.min(...found.map(({ startSample }) => startSample))
      // A vowel resembles itself a few pitch periods away; only the true place goes on to match.
      const sameTime = found.filter(({ startSample }) => startSample - first < windowSamples)
      if (sameTime.length > 0) return sameTime.reduce((best, one) => (one.heardSamples > best.heardSamples ? one : best))
    }
    return undefined
  }

  /** From a place where it seems to start, how far it goes on, beginning with that window. */
  #follow(heard: Float32Array, startSample: number, first: number): Occurrence | undefined {
    let shift = startSample
    let heardSamples = 0
    let matched = 0
    let complete = false
    for (const [index, window] of this.#windows.entries()) {
      if (index < first || window.at + shift < 0) continue
      const at = exactPlace(heard, window, window.at + shift, 4, likelyLikeness)
      if (at === undefined) break
      shift = at - window.at
      matched++
      heardSamples = window.at + window.samples.length
      complete = index === this.#windows.length - 1
    }
    const enough = matched * windowMs >= enoughMs || (complete && matched > 0)
    return enough ? { startSample, heardSamples, complete } : undefined
  }
}

/** Where the window could lie, the likeliest first. */
function places(heard: Float32Array, window: Window): number[] {
  const { coarse } = window
  const energy = energyOf(coarse)
  const count = heard.length - coarse.length + 1
  if (energy === 0 || count <= 0) return []
  const likeness = new Float32Array(count)
  let under = energyOf(heard.subarray(0, coarse.length))
  for (let place = 0; place < count; place++) {
    if (place > 0) under += (heard[place + coarse.length - 1] ?? 0) ** 2 - (heard[place - 1] ?? 0) ** 2
    if (under < energy * faintestShare) continue
    let product = 0
    for (let at = 0; at < coarse.length; at++) product += (coarse[at] ?? 0) * (heard[place + at] ?? 0)
    likeness[place] = product / Math.sqrt(energy * under)
  }
  return [...likeness.keys()]
    .filter((place) => like(place) >= coarseLikeness && like(place) >= like(place - 1) && like(place) > like(place + 1))
    .toSorted((a, b) => like(b) - like(a))
    .slice(0, mostPlaces)

  function like(place: number): number {
    return likeness[place] ?? 0
  }
}

/** The best place within `reach` samples of `near`, if it is alike enough. */
function exactPlace(heard: Float32Array, window: Window, near: number, reach: number, least: number): number | undefined {
  let best: number | undefined
  let likeness = least
  for (let place = Math.max(0, near - reach); place <= near + reach; place++) {
    if (place + window.samples.length > heard.length) break
    if (!mayBeAlike(heard, window, place)) continue
    let product = 0
    let energy = 0
    for (let at = 0; at < window.samples.length; at++) {
      const sample = heard[place + at] ?? 0
      product += sample * (window.samples[at] ?? 0)
      energy += sample * sample
    }
    const now = energy === 0 ? 0 : product / Math.sqrt(energy * window.energy)
    if (now > likeness) [best, likeness] = [place, now]
  }
  return best
}

function mayBeAlike(heard: Float32Array, { samples, loudestAt }: Window, place: number): boolean {
  let product = 0
  let own = 0
  let energy = 0
  const end = Math.min(loudestAt + probeSamples, samples.length)
  for (let at = loudestAt; at < end; at++) {
    const wanted = samples[at] ?? 0
    const sample = heard[place + at] ?? 0
    product += sample * wanted
    own += wanted * wanted
    energy += sample * sample
  }
  return product > 0 && product * product >= probeLikeness ** 2 * own * energy
}

/** Where the loudest stretch of the length of a probe begins. */
function loudestOf(samples: Float32Array): number {
  let best = 0
  let loudest = -1
  for (let at = 0; at + probeSamples <= samples.length; at += probeSamples) {
    const energy = energyOf(samples.subarray(at, at + probeSamples))
    if (energy > loudest) [best, loudest] = [at, energy]
  }
  return best
}

function energyOf(samples: Float32Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  return sum
}

/** A Hann window of 32 samples passes up to about 250 Hz: a voice's pitch. */
const lowPass = Float32Array.from({ length: 32 }, (_, at) => Math.sin((Math.PI * (at + 0.5)) / 32) ** 2 / 16)

function coarsened(samples: Float32Array, from: number, to: number): Float32Array {
  const result = new Float32Array(Math.floor((to - from) / coarseStep))
  for (let at = 0; at < result.length; at++) {
    let sum = 0
    const middle = from + at * coarseStep - lowPass.length / 2
    for (let tap = 0; tap < lowPass.length; tap++) sum += (samples[middle + tap] ?? 0) * (lowPass[tap] ?? 0)
    result[at] = sum
  }
  return result
}
