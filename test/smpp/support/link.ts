/** A carrier link under test, and what it told. */
import type { Test } from 'tap'
import type { BindStatus, EncodedMessage, Incoming, Lane, PartResult, Reservation } from '../../../src/app/ports/smsc.ts'
import type { Log } from '../../../src/app/ports/log.ts'
import { encodeText } from '../../../src/domain/sms/segments.ts'
import { defaultLinkSettings, type Account, type LinkSettings } from '../../../src/smpp/settings.ts'
import { SmscLink } from '../../../src/smpp/smsc-link.ts'
import { until } from '../../support/until.ts'
import type { Carrier } from './carrier.ts'

/** Deadlines that a test can wait for; nothing is asserted about how long they took. */
export const quick: LinkSettings = {
  ...defaultLinkSettings,
  responseTimeoutMs: 10_000,
  enquireLinkMs: 20_000,
  firstPauseMs: 20,
  longestPauseMs: 100,
  drainMs: 2_000,
}

export const password = 'geheim-42'

export function accountOf(carrier: Carrier, changes: Partial<Account> = {}): Account {
  const { port } = carrier
  return { route: `pforte@127.0.0.1:${port}`, host: '127.0.0.1', port, tls: false, systemId: 'pforte', password, ...changes }
}

export class TestLink {
  readonly smsc: SmscLink
  readonly results: PartResult[] = []
  readonly incoming: Incoming[] = []
  readonly statuses: BindStatus[] = []
  /** All that was logged, as text. */
  readonly logged: string[] = []
  readonly faults: string[] = []
  rooms = 0
  /** Replaces what takes incoming things. */
  take: (incoming: Incoming) => Promise<void> = async () => {}
  #messages = 0
  readonly #referenceBits: 8 | 16

  constructor(t: Test, carriers: Carrier | readonly { account: Account; settings: LinkSettings }[], settings: Partial<LinkSettings> = {}) {
    const linked = 'port' in carriers ? [{ account: accountOf(carriers), settings: { ...quick, ...settings } }] : carriers
    this.#referenceBits = linked.some(({ settings: { concatenation } }) => concatenation === 'udh16' || concatenation === 'sar') ? 16 : 8
    this.smsc = new SmscLink({
      carriers: linked,
      log: logInto(this.logged),
      onFault: (_, kind) => this.faults.push(kind),
    })
    this.smsc.onResult((result) => this.results.push(result))
    this.smsc.onStatus((status) => this.statuses.push(status))
    this.smsc.onRoom(() => this.rooms++)
    this.smsc.onIncoming(async (incoming) => {
      this.incoming.push(incoming)
      await this.take(incoming)
    })
    t.teardown(() => this.smsc.close())
  }

  static open(t: Test, ...args: [Carrier | readonly { account: Account; settings: LinkSettings }[], Partial<LinkSettings>?]): TestLink {
    const link = new TestLink(t, ...args)
    link.smsc.open()
    return link
  }

  /** The first lane, once there is one. */
  async lane(): Promise<Lane> {
    return until('a lane', () => this.smsc.lanes()[0])
  }

  /** As the sender does it: reserves and submits. */
  async send(text: string, changes: Partial<EncodedMessage> = {}): Promise<{ lane: Lane; reservation: Reservation; messageId: string }> {
    const lane = await this.lane()
    const message = this.message(text, changes, this.#referenceBits)
    const reservation = await until(`room for ${message.parts.length}`, () => lane.reserve(message.parts.length))
    lane.submit(reservation, message)
    return { lane, reservation, messageId: message.messageId }
  }

  message(text: string, changes: Partial<EncodedMessage> = {}, referenceBits: 8 | 16 = 8): EncodedMessage {
    const encoded = encodeText(text, { mostParts: 255, referenceBits })
    if (!encoded.ok) throw new Error(encoded.why)
    const { coding, parts } = encoded
    const messageId = `message-${++this.#messages}`
    return { messageId, to: '+4917612345678', from: 'Stadtwerke', coding, parts, reference: 0x1234, validUntil: null, ...changes }
  }

  async result(index = 0): Promise<PartResult> {
    return until(`result ${index + 1}`, () => this.results[index])
  }

  /** The bind is in this state, or was: some do not last. */
  async saw(state: BindStatus['state'], why = /./): Promise<BindStatus> {
    return until(`a bind that is ${state}, ${why}`, () => this.statuses.find((status) => status.state === state && why.test(status.why)))
  }
}

function logInto(lines: string[]): Log {
  const add =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
    }
  const log: Log = { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error'), child: () => log }
  return log
}
