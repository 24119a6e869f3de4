/** What a phone sends: deliver_sm, one a part. */
import { esmClass, numberingPlan, typeOfNumber } from '../../wire/smpp/constants.ts'
import type { Tlvs } from '../../wire/smpp/tlvs.ts'
import type { Delivery } from './deliveries.ts'
import { codingFor, dataCodings, typed, type Coding } from './phone-text.ts'
import { parts, type LongForm } from './user-data.ts'

export type Reply = {
  /** The phone's number: `+49…`. */
  from: string
  /** The sender that it answers: a number or a short code. */
  to: string
  text: string
  /** By default what a phone would choose. */
  coding?: Coding
  /** Where the text is long. `udh8` by default. */
  longForm?: LongForm
  /** Octets in place of the text, with the data_coding and, where they begin with a header, UDHI. For what no phone types. */
  octets?: { octets: Buffer; dataCoding: number; udhi?: boolean }
  /** The concatenation's; by default another one each time. */
  reference?: number
  /** In which order the parts go out, from 0; one can be left out or come twice. By default all, in order. */
  order?: readonly number[]
  /** Whose it is, by the account's user; by default the first's. */
  account?: string
}

export function replyParts(reply: Reply, reference: number): Pick<Delivery, 'fields' | 'tlvs'>[] {
  const { text, coding = codingFor(text), longForm = 'udh8', octets } = reply
  const bodies =
    octets === undefined
      ? parts(typed(text, coding), coding === 'gsm7' ? 7 : 8, longForm, reference)
      : [{ short_message: octets.octets, esm_class: octets.udhi === true ? esmClass.udhi : 0, tlvs: {} as Tlvs }]
  const order = reply.order ?? [...bodies.keys()]
  const source = addressOf(reply.from)
  const destination = addressOf(reply.to)
  return order.map((index) => {
    const { tlvs, ...body } = bodies[index]!
    return {
      fields: {
        source_addr_ton: source.ton,
        source_addr_npi: source.npi,
        source_addr: source.address,
        dest_addr_ton: destination.ton,
        dest_addr_npi: destination.npi,
        destination_addr: destination.address,
        data_coding: octets?.dataCoding ?? dataCodings[coding],
        ...body,
      },
      tlvs,
    }
  })
}

function addressOf(number: string): { address: string; ton: number; npi: number } {
  if (number.startsWith('+')) return { address: number.slice(1), ton: typeOfNumber.international, npi: numberingPlan.isdn }
  if (/^\d+$/.test(number)) return { address: number, ton: typeOfNumber.unknown, npi: numberingPlan.isdn }
  return { address: number, ton: typeOfNumber.alphanumeric, npi: numberingPlan.unknown }
}
