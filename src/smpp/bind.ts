/**
 * One bind to a carrier, for as long as Pforte runs.
 *
 *   waiting ──its turn──► connecting ──► binding ──► bound
 *      ▲                      │             │          │
 *      ├──────no connection───┘             │          │
 *      ├──────not now, no answer────────────┤          │
 *      ├──────lost, mute, unbound by them───┼──────────┘
 *      │                                    ▼
 *      └──after refusedPauseMs or knock()──refused     wrong password or user
 *   any ──close()──► closed
 *
 * - `waiting`: until the pause after a loss is over (each twice as long as the
 *   one before, jittered, so that many do not come back in step), and until
 *   another bind of the account has been let in (`door.ts`).
 * - `connecting`: TCP, and TLS; `connectTimeoutMs`.
 * - `binding`: the bind is written; `responseTimeoutMs`.
 * - `bound`: there is a lane, unless it only receives.
 * - `refused`: more tries would be hammering and could lock the account; one is made very rarely.
 *
 * Each try has a session object of its own: nothing of an old one lives on but
 * how fast the carrier wants it.
 */
import type { BindState, BindStatus, Incoming, PartResult } from '../app/ports/smsc.ts'
import type { Log } from '../app/ports/log.ts'
import type { Socket } from 'node:net'
import { statuses, statusName } from '../wire/smpp/constants.ts'
import { connect, type Connecting } from './connect.ts'
import { Deliveries } from './deliveries.ts'
import type { Door, Guest } from './door.ts'
import { Faults, type FaultKind } from './faults.ts'
import { BoundLane } from './lane.ts'
import type { Answer } from './pending.ts'
import { Rate } from './rate.ts'
import { Session, type Delivery } from './session.ts'
import type { Account, LinkSettings } from './settings.ts'
import { bindRefusal } from './statuses.ts'

export type BindCommand = 'bind_transceiver' | 'bind_transmitter' | 'bind_receiver'

export type BindSettings = {
  name: string
  command: BindCommand
  account: Account
  link: LinkSettings
  door: Door
  log: Log
  onStatus(status: BindStatus): void
  onResult(result: PartResult): void
  onRoom(): void
  onWanted(): void
  onFault(kind: FaultKind): void
  take(incoming: Incoming): Promise<void>
}

/** Of one try. */
type Try = { session: Session; lane: BoundLane | null; deliveries: Deliveries; boundAt: number | null; verdict: Verdict | null }
/** Why we ended it ourselves. */
type Verdict = { why: string; isRefusal: boolean }

export class Bind implements Guest {
  readonly faults: Faults
  readonly #settings: BindSettings
  readonly #log: Log
  readonly #rate: Rate
  #state: BindState = 'waiting'
  #why = 'not opened yet'
  #since = Date.now()
  #connecting: Connecting | null = null
  #try: Try | null = null
  #pause: NodeJS.Timeout | undefined
  #losses = 0
  #epoch = 0
  #loggedWhy = ''
  #isClosing = false
  readonly #closed = Promise.withResolvers<void>()

  constructor(settings: BindSettings) {
    this.#settings = settings
    this.#log = settings.log.child({ bind: settings.name })
    this.faults = new Faults(this.#log, settings.onFault)
    this.#rate = new Rate(settings.link.ratePerSecond, performance.now())
  }

  get status(): BindStatus {
    const { name, account } = this.#settings
    return {
      bind: name,
      route: account.route,
      state: this.#state,
      why: this.#why,
      since: this.#since,
      unanswered: this.#try?.lane?.unanswered ?? 0,
      slowed: this.#rate.isSlowed(performance.now()),
    }
  }

  /** Null while it is not bound, and for a receiver. */
  get lane(): BoundLane | null {
    return this.#state === 'bound' && !this.#isClosing ? (this.#try?.lane ?? null) : null
  }

  open(): void {
    this.#settings.door.ask(this)
  }

  /** Tries now what would have been tried later. */
  knock(): void {
    if ((this.#state !== 'waiting' && this.#state !== 'refused') || this.#pause === undefined) return
    clearTimeout(this.#pause)
    this.#pause = undefined
    this.#losses = 0
    this.#settings.door.ask(this)
  }

  /** Lets what is on the wire be answered for a moment, unbinds, closes. */
  async close(): Promise<void> {
    if (this.#isClosing) return this.#closed.promise
    this.#isClosing = true
    clearTimeout(this.#pause)
    this.#connecting?.cancel()
    const { session, lane, deliveries, boundAt } = this.#try ?? {}
    if (session === undefined) this.#over()
    else if (boundAt === null) session.end('closed by us')
    else {
      const deadline = Promise.withResolvers<void>()
      const timer = setTimeout(deadline.resolve, this.#settings.link.drainMs)
      await Promise.race([Promise.all([lane?.drained(), deliveries?.drained()]), deadline.promise, this.#closed.promise])
      clearTimeout(timer)
      session.leave('closed by us')
    }
    await this.#closed.promise
  }

  go(): void {
    if (this.#isClosing) return
    const { account, link } = this.#settings
    this.#enter('connecting', `to ${account.host}:${account.port}${account.tls ? ' with TLS' : ''}`)
    this.#connecting = connect(
      account,
      link,
      (socket) => this.#bind(socket),
      (why) => this.#lost(why),
    )
  }

  hold(refusal: string | null): void {
    if (this.#isClosing) return
    if (refusal === null) this.#enter('waiting', 'another bind of this account goes first')
    else this.#enter('refused', refusal)
  }

  #bind(socket: Socket): void {
    const { account, link, command } = this.#settings
    this.#connecting = null
    const session = new Session(socket, {
      ...link,
      faults: this.faults,
      onDelivery: (delivery) => this.#delivery(delivery),
      onEnded: (why) => this.#ended(why),
    })
    const deliveries = new Deliveries({
      route: account.route,
      link,
      faults: this.faults,
      take: this.#settings.take,
      respond: (to, status) => session.respond(to, status),
    })
    this.#try = { session, lane: null, deliveries, boundAt: null, verdict: null }
    this.#enter('binding', `as ${command.replace('bind_', '')}`)
    const fields = {
      system_id: account.systemId,
      password: account.password,
      system_type: link.systemType,
      interface_version: link.interfaceVersion,
    }
    session.request({ command, fields }, (answer) => this.#answered(answer))
  }

  #answered(answer: Answer): void {
    const { command } = this.#settings
    const current = this.#try!
    if (answer.is !== 'answered') {
      // Where the session ended before, this changes nothing any more.
      current.verdict ??= { why: `${command}: ${answer.why}`, isRefusal: false }
      return current.session.end(answer.why)
    }
    const { pdu, late } = answer
    if (late) return
    if (pdu.command === 'generic_nack' || pdu.status !== statuses.ESME_ROK) {
      const refusal = bindRefusal(pdu.status, command)
      current.verdict = { why: refusal ?? `the carrier refused the bind for now (${statusName(pdu.status)})`, isRefusal: refusal !== null }
      return current.session.end(current.verdict.why)
    }
    this.#bound(current)
  }

  #bound(current: Try): void {
    const { name, account, link, command, door, onResult, onRoom, onWanted } = this.#settings
    // Of use in rows that outlive this process: no two sessions of a bind have the same one.
    this.#epoch = Math.max(Date.now(), this.#epoch + 1)
    current.boundAt = performance.now()
    if (command !== 'bind_receiver') {
      current.lane = new BoundLane({
        bind: name,
        route: account.route,
        epoch: this.#epoch,
        session: current.session,
        rate: this.#rate,
        link,
        onResult,
        onRoom,
        onWanted,
        onSlowed: (status) => this.#log.warn({ status }, 'the carrier wants it slower; sending less, and more again bit by bit'),
      })
    }
    this.#loggedWhy = ''
    this.#enter('bound', `as ${command.replace('bind_', '')}`)
    this.#log.info({ as: command }, 'bound to the carrier')
    door.entered(this)
    onRoom()
  }

  #delivery(delivery: Delivery): void {
    const { session, deliveries, boundAt } = this.#try!
    if (boundAt !== null) return deliveries.take(delivery)
    this.faults.count('unexpected_request', { command: delivery.command })
    session.respond(delivery, statuses.ESME_RINVBNDSTS)
  }

  #ended(why: string): void {
    const { lane, boundAt, verdict } = this.#try!
    this.#try = null
    this.#settings.door.left(this)
    lane?.end(why)
    // One that lasted was no try in vain.
    if (boundAt !== null && performance.now() - boundAt > this.#settings.link.longestPauseMs) this.#losses = 0
    if (verdict?.isRefusal === true) this.#refused(verdict.why)
    else this.#lost(verdict?.why ?? why)
  }

  #lost(why: string): void {
    this.#connecting = null
    if (this.#isClosing) return this.#over()
    const { firstPauseMs, longestPauseMs } = this.#settings.link
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#losses++, 20)) * (0.5 + Math.random() / 2)
    this.#enter('waiting', `${why}; next try in ${(pauseMs / 1000).toFixed(1)} s`)
    // One line for each reason, not one for each try.
    if (why !== this.#loggedWhy) this.#log.warn({ why }, 'not bound to the carrier; trying without end')
    this.#loggedWhy = why
    this.#askAfter(pauseMs)
  }

  #refused(why: string): void {
    if (this.#isClosing) return this.#over()
    const { refusedPauseMs } = this.#settings.link
    const said = `${why}; tried again only every ${Math.round(refusedPauseMs / 60_000)} minutes, and after a reload`
    this.#enter('refused', said)
    if (why !== this.#loggedWhy) this.#log.error({ why }, 'ALARM: the carrier refuses this bind; no SMS leave on it until that is mended')
    this.#loggedWhy = why
    this.#settings.door.refused(this, said)
    this.#askAfter(refusedPauseMs)
  }

  #askAfter(ms: number): void {
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#settings.door.ask(this)
    }, ms)
  }

  #over(): void {
    this.#settings.door.gone(this)
    this.#enter('closed', 'closed by us')
    this.#closed.resolve()
  }

  #enter(state: BindState, why: string): void {
    this.#state = state
    this.#why = why
    this.#since = Date.now()
    this.#settings.onStatus(this.status)
  }
}
