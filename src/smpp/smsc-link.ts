/**
 * The carriers, as the sender and the receiver of SMS see them: binds of
 * several accounts, in order of preference.
 *
 * All accounts stay bound, since receipts and replies come over the one that
 * sent. Sending uses the most preferred one that is bound at all; a full window
 * there is waited for, not evaded to one that costs more.
 */
import type { BindStatus, Incoming, Lane, PartResult, Smsc } from '../app/ports/smsc.ts'
import type { Log } from '../app/ports/log.ts'
import { Bind, type BindCommand } from './bind.ts'
import { Door } from './door.ts'
import type { FaultKind } from './faults.ts'
import type { Account, LinkSettings } from './settings.ts'

export type Carrier = { account: Account; settings: LinkSettings }

export type SmscLinkSettings = {
  /** The most preferred first. */
  carriers: readonly Carrier[]
  log: Log
  /** Each bad PDU and the like, as it is counted. */
  onFault?: (route: string, kind: FaultKind) => void
}

type Route = { name: string; binds: Bind[] }
type Taker = (incoming: Incoming) => Promise<void>

export class SmscLink implements Smsc {
  readonly #routes: Route[]
  readonly #log: Log
  readonly #onRoom: (() => void)[] = []
  readonly #onResult: ((result: PartResult) => void)[] = []
  readonly #onStatus: ((status: BindStatus) => void)[] = []
  #taker: Taker | null = null
  /** Somebody looked for room in vain, and is told when there is some. */
  #isWanted = true
  #isScheduled = false

  constructor({ carriers, log, onFault }: SmscLinkSettings) {
    this.#log = log
    this.#routes = carriers.map(({ account, settings }) => {
      const door = new Door()
      const binds = bindsOf(settings).map(({ suffix, command }) => {
        return new Bind({
          name: `${account.route}/${suffix}`,
          command,
          account,
          link: settings,
          door,
          log: log.child({ route: account.route }),
          onStatus: (status) => this.#tell(this.#onStatus, status),
          onResult: (result) => this.#tell(this.#onResult, result),
          onRoom: () => this.#roomChanged(),
          onWanted: () => {
            this.#isWanted = true
          },
          onFault: (kind) => this.#guard(() => onFault?.(account.route, kind)),
          take: (incoming) => this.#take(incoming),
        })
      })
      return { name: account.route, binds }
    })
  }

  open(): void {
    for (const bind of this.#binds()) bind.open()
  }

  lanes(): Lane[] {
    const lanes = this.#lanesWithRoom()
    if (lanes.length === 0) this.#isWanted = true
    return lanes
  }

  onRoom(listener: () => void): void {
    this.#onRoom.push(listener)
  }

  onResult(listener: (result: PartResult) => void): void {
    this.#onResult.push(listener)
  }

  onIncoming(take: Taker): void {
    this.#taker = take
  }

  onStatus(listener: (status: BindStatus) => void): void {
    this.#onStatus.push(listener)
  }

  get status(): readonly BindStatus[] {
    return this.#binds().map(({ status }) => status)
  }

  /** Bad PDUs and the like since the beginning, by bind and kind. */
  get faults(): readonly { bind: string; route: string; kind: FaultKind; count: number }[] {
    return this.#binds().flatMap(({ status: { bind, route }, faults }) =>
      Object.entries(faults.counts).map(([kind, count]) => ({ bind, route, kind: kind as FaultKind, count })),
    )
  }

  /** Binds that wait or were refused try now: somebody has mended something. */
  knock(): void {
    for (const bind of this.#binds()) bind.knock()
  }

  async close(): Promise<void> {
    await Promise.all(this.#binds().map((bind) => bind.close()))
  }

  #binds(): Bind[] {
    return this.#routes.flatMap(({ binds }) => binds)
  }

  #lanesWithRoom(): Lane[] {
    for (const { binds } of this.#routes) {
      const bound = binds.map(({ lane }) => lane).filter((lane) => lane !== null)
      if (bound.length > 0) return bound.filter(({ room }) => room > 0).sort((a, b) => b.room - a.room)
    }
    return []
  }

  /** Answers come by the dozen: the sender is told once, at the end of the turn. */
  #roomChanged(): void {
    if (!this.#isWanted || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (!this.#isWanted || this.#lanesWithRoom().length === 0) return
      this.#isWanted = false
      for (const listener of this.#onRoom) this.#guard(() => listener())
    })
  }

  async #take(incoming: Incoming): Promise<void> {
    if (this.#taker === null) throw new Error('nobody takes what comes in')
    await this.#taker(incoming)
  }

  #tell<T>(listeners: readonly ((value: T) => void)[], value: T): void {
    for (const listener of listeners) this.#guard(() => listener(value))
  }

  /** What fails in a listener is told, and costs nobody else. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      // Its message may quote what it was about.
      this.#log.error(
        { error: error instanceof Error ? error.stack?.replace(error.message, '…') : typeof error },
        'a listener of the carrier link failed',
      )
    }
  }
}

function bindsOf({ binds, bindMode }: LinkSettings): { suffix: string; command: BindCommand }[] {
  const numbers = Array.from({ length: binds }, (_, index) => index + 1)
  if (bindMode === 'transceiver') return numbers.map((number) => ({ suffix: `${number}`, command: 'bind_transceiver' }))
  return numbers.flatMap((number): { suffix: string; command: BindCommand }[] => [
    { suffix: `${number}/transmitter`, command: 'bind_transmitter' },
    { suffix: `${number}/receiver`, command: 'bind_receiver' },
  ])
}
