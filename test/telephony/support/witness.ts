/** Keeps what a telephony tells, so that a story can wait for it in any order. */
import type { Log } from '../../../src/app/ports/log.ts'
import type { Telephony, TelephonyEvent, TelephonyStatus } from '../../../src/app/ports/telephony.ts'

const PATIENCE_MS = 15_000

type EventOf<T extends TelephonyEvent['type']> = Extract<TelephonyEvent, { type: T }>

export class Witness {
  readonly events: TelephonyEvent[] = []
  readonly statuses: TelephonyStatus[] = []
  readonly #taken = new Set<object>()
  readonly #looks = new Set<() => void>()

  constructor(telephony: Telephony) {
    telephony.onEvent((event) => this.#keep(this.events, event))
    telephony.onStatus((status) => this.#keep(this.statuses, status))
  }

  /** The next event of this type that fits and was not taken before. */
  event<T extends TelephonyEvent['type']>(type: T, fits: (event: EventOf<T>) => boolean = () => true): Promise<EventOf<T>> {
    return this.#next(type, () =>
      this.events.find((one): one is EventOf<T> => one.type === type && !this.#taken.has(one) && fits(one as EventOf<T>)),
    )
  }

  status<T extends TelephonyStatus['is']>(is: T): Promise<Extract<TelephonyStatus, { is: T }>> {
    return this.#next(is, () =>
      this.statuses.find((one): one is Extract<TelephonyStatus, { is: T }> => one.is === is && !this.#taken.has(one)),
    )
  }

  endsOf(leg: string): TelephonyEvent[] {
    return this.events.filter((one) => one.type === 'legEnded' && one.leg === leg)
  }

  #keep<T>(list: T[], one: T): void {
    list.push(one)
    for (const look of [...this.#looks]) look()
  }

  #next<T extends object>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        this.#taken.add(found)
        this.#looks.delete(look)
        clearTimeout(limit)
        resolve(found)
      }
      const limit = setTimeout(() => {
        this.#looks.delete(look)
        reject(
          new Error(
            `${what} did not come; there were ${[...this.events.map(({ type }) => type), ...this.statuses.map(({ is }) => is)].join(', ')}`,
          ),
        )
      }, PATIENCE_MS)
      this.#looks.add(look)
      look()
    })
  }
}

export type Line = { level: string; fields: object; message: string }

export function keptLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return { log, lines }
}
