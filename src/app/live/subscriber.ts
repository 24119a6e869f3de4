/** Somebody who watches, as the hub sees them. */
import type { LiveEvent, LiveType, Standing } from './events.ts'

/** What a subscriber is told first. After `position` it has seen everything. */
export type LiveStart = {
  /** `reset`: it asked for what it missed, and nobody can tell; or something was missed just now. */
  is: 'fresh' | 'resumed' | 'reset'
  missed: readonly LiveEvent[]
  standing: readonly Standing[]
  position: string
}

export interface LiveSubscriber {
  readonly types: ReadonlySet<LiveType>
  /** Once, at first; and again whenever something may have been missed. */
  begin(start: LiveStart): void
  /** In their order, of all types. The same array for all subscribers. Must not throw. */
  take(events: readonly LiveEvent[]): void
  /** Nothing more has happened; it has seen everything up to `position`. */
  beat(position: string): void
  /** No more comes. */
  end(): void
}
