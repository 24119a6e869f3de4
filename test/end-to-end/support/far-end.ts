/** Whoever answers outside: at the far end of the trunk, any number rings here. */
import type { Test } from 'tap'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import { Phone } from '../../../src/local/phone/phone.ts'
import type { TestPforte } from '../../support/pforte.ts'
import { openTrunk } from '../../support/trunk.ts'
import { until } from '../../support/until.ts'
import type { Caller } from './caller.ts'

const RINGS_WITHIN_MS = 20_000

export class FarEnd {
  readonly #rung: IncomingCall[] = []

  private constructor(phone: Phone) {
    phone.onCall((call) => {
      call.ring()
      this.#rung.push(call)
    })
  }

  static async open(t: Test, pforte: TestPforte): Promise<FarEnd> {
    const phone = await Phone.open({ host: '127.0.0.1', user: 'outside' })
    t.teardown(() => phone.close())
    await openTrunk(pforte.environment['PFORTE_HOME']!, phone.address)
    return new FarEnd(phone)
  }

  /** Waits until it rings here for this caller, whose number the call shows. */
  async ringsFor(caller: Caller): Promise<IncomingCall> {
    return until(
      `a phone outside to ring for ${caller.number}`,
      () => this.#rung.find((call) => call.callerId === caller.number),
      RINGS_WITHIN_MS,
    )
  }
}
