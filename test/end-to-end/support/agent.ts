/** Somebody who answers: waits for the phone to ring, picks up, rejects, or lets it ring. */
import type { Call } from '../../../src/local/phone/call.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import type { Phone } from '../../../src/local/phone/phone.ts'
import { until } from '../../support/until.ts'
import type { Hotline, Row } from './hotline.ts'

const RINGS_WITHIN_MS = 20_000
const LONGEST_TALK_MS = 60_000

export class AgentAtPhone {
  readonly id: string
  readonly phone: Phone
  /** Every call that has rung here. */
  readonly rung: IncomingCall[] = []
  readonly #hotline: Hotline
  #taken = 0

  constructor(hotline: Hotline, id: string, phone: Phone) {
    this.#hotline = hotline
    this.id = id
    this.phone = phone
    phone.onCall((call) => {
      call.ring()
      this.rung.push(call)
    })
  }

  /** The next call that rings. */
  async rings(): Promise<IncomingCall> {
    const call = await until(`the phone of ${this.id} to ring`, () => this.rung[this.#taken], RINGS_WITHIN_MS)
    this.#taken++
    return call
  }

  /** Picks up and goes on speaking, which to this phone is a tone of its own. */
  async answers(): Promise<Call> {
    const call = await (await this.rings()).answer()
    if (call === undefined) throw new Error(`${this.id} picked up, and nobody was there`)
    void call.play({ hz: this.voiceHz, ms: LONGEST_TALK_MS })
    return call
  }

  /** Far enough from the beep's 1000 Hz, and from those of two others. */
  get voiceHz(): number {
    return 600 + 150 * (Number(this.id.at(-1)) % 3)
  }

  async becomes(state: 'available' | 'paused' | 'offline'): Promise<void> {
    await this.#hotline.pforte.put(`/v1/agents/${this.id}/state`, { state })
  }

  async shownAs(): Promise<Row> {
    const { items } = await this.#hotline.get('/v1/agents')
    const agent = (items as Row[]).find((one) => one['id'] === this.id)
    if (agent === undefined) throw new Error(`the API shows no agent ${this.id}`)
    return agent
  }

  async isShownAs(state: string): Promise<Row> {
    return until(`${this.id} to be ${state}`, async () => {
      const agent = await this.shownAs()
      if (agent['state'] !== state) throw new Error(`the state is ${agent['state']}`)
      return agent
    })
  }
}
