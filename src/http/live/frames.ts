/** Events as server-sent events are written (HTML Living Standard, section 9.2.6). JSON has no line breaks, so each is one line of data. */
import type { LiveEvent, LiveType, Standing } from '../../app/live/events.ts'
import type { LiveStart } from '../../app/live/subscriber.ts'

/** Of one batch: by the types that somebody wants. */
const written = new WeakMap<readonly LiveEvent[], Map<string, Buffer>>()

/** Which types somebody wants, with a name under which those who want the same are found. */
export type Wanted = { types: ReadonlySet<LiveType>; key: string }

export function wanted(types: Iterable<LiveType>): Wanted {
  const set = new Set(types)
  return { types: set, key: [...set].sort().join() }
}

/** Written once for all who want the same of this batch. Empty: nothing of it. */
export function framesOf(events: readonly LiveEvent[], { types, key }: Wanted): Buffer {
  let byKey = written.get(events)
  if (byKey === undefined) written.set(events, (byKey = new Map()))
  let frames = byKey.get(key)
  if (frames === undefined) {
    frames = Buffer.from(
      events
        .filter(({ type }) => types.has(type))
        .map(eventFrame)
        .join(''),
    )
    byKey.set(key, frames)
  }
  return frames
}

/**
 * What comes first. Things that stand have no id: whoever loses the line in the middle of them has not seen them all. `ready`
 * has one, and says that from here on it is news.
 */
export function startFrames({ is, missed, standing, position }: LiveStart): string {
  return [
    is === 'reset' ? 'event: reset\ndata: {}\n\n' : '',
    ...standing.map(standingFrame),
    ...missed.map(eventFrame),
    `id: ${position}\nevent: ready\ndata: {"resumed":${is === 'resumed'}}\n\n`,
  ].join('')
}

/** A comment keeps the line from looking idle; the id lets whoever hears of nothing else resume where all others are. */
export function beatFrame(position: string): string {
  return `:\nid: ${position}\n\n`
}

/** How long to wait before coming back. */
export function retryFrame(ms: number): string {
  return `retry: ${ms}\n\n`
}

function eventFrame({ id, type, json }: LiveEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`
}

function standingFrame({ type, json }: Standing): string {
  return `event: ${type}\ndata: ${json}\n\n`
}
