/**
 * What a peer may put on the wire: sound PDUs of every command, PDUs damaged
 * in one place or several, plain noise, and streams of all these cut anywhere.
 * For everything that reads SMPP: the codec here, the link and the simulator
 * in their own tests.
 */
import fc from 'fast-check'
import { commandIds, type CommandName } from '../../../../src/wire/smpp/constants.ts'
import { encodePdu, type Draft } from '../../../../src/wire/smpp/pdu.ts'
import type { Tlvs } from '../../../../src/wire/smpp/tlvs.ts'

const octet = fc.nat(0xff)
const int16 = fc.nat(0xffff)
const sequence = fc.oneof(fc.nat(0x7fffffff), fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff))
/** A C-octet string: every octet but NUL. */
const text = fc.array(fc.integer({ min: 1, max: 0x7f }), { maxLength: 24 }).map((codes) => String.fromCharCode(...codes))
const digits = fc.stringMatching(/^\d{0,15}$/)
const address = fc.oneof(digits, text)
const time = fc.oneof(fc.constant(''), fc.constant('260131200000004+'), fc.constant('000001000000000R'), text)
const octets = (maxLength: number): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes))

const tlvs: fc.Arbitrary<Tlvs> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        receipted_message_id: text,
        message_state: octet,
        message_payload: octets(300),
        sar_msg_ref_num: int16,
        sar_total_segments: octet,
        sar_segment_seqnum: octet,
        network_error_code: octets(3),
        '0x1401': octets(8),
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Tlvs>,
  },
)

const bind = fc.record({
  system_id: text,
  password: text,
  system_type: text,
  interface_version: octet,
  addr_ton: octet,
  addr_npi: octet,
  address_range: text,
})
const source = { source_addr_ton: octet, source_addr_npi: octet, source_addr: address }
const destination = { dest_addr_ton: octet, dest_addr_npi: octet, destination_addr: address }
const shortMessage = octets(254)
const message = fc.record({
  service_type: text,
  ...source,
  ...destination,
  esm_class: octet,
  protocol_id: octet,
  priority_flag: octet,
  schedule_delivery_time: time,
  validity_period: time,
  registered_delivery: octet,
  replace_if_present_flag: octet,
  data_coding: octet,
  sm_default_msg_id: octet,
  short_message: shortMessage,
})
/** Entries of lists are compared with what the library reads. */
const plain = { noNullPrototype: true }
const messageId = fc.record({ message_id: text })
const systemId = fc.record({ system_id: text })
const nothing = fc.constant({})
const destAddress = fc.oneof(fc.record(destination, plain), fc.record({ dl_name: text }, plain))

/** The bodies of all commands. */
const fieldsOf: Record<CommandName, fc.Arbitrary<object>> = {
  generic_nack: nothing,
  bind_receiver: bind,
  bind_receiver_resp: systemId,
  bind_transmitter: bind,
  bind_transmitter_resp: systemId,
  bind_transceiver: bind,
  bind_transceiver_resp: systemId,
  outbind: fc.record({ system_id: text, password: text }),
  unbind: nothing,
  unbind_resp: nothing,
  enquire_link: nothing,
  enquire_link_resp: nothing,
  submit_sm: message,
  submit_sm_resp: messageId,
  deliver_sm: message,
  deliver_sm_resp: messageId,
  data_sm: fc.record({ service_type: text, ...source, ...destination, esm_class: octet, registered_delivery: octet, data_coding: octet }),
  data_sm_resp: messageId,
  submit_multi: fc.record({
    service_type: text,
    ...source,
    dest_address: fc.array(destAddress, { maxLength: 5 }),
    esm_class: octet,
    protocol_id: octet,
    priority_flag: octet,
    schedule_delivery_time: time,
    validity_period: time,
    registered_delivery: octet,
    replace_if_present_flag: octet,
    data_coding: octet,
    sm_default_msg_id: octet,
    short_message: shortMessage,
  }),
  submit_multi_resp: fc.record({
    message_id: text,
    unsuccess_sme: fc.array(fc.record({ ...destination, error_status_code: fc.nat(0xffff) }, plain), { maxLength: 5 }),
  }),
  query_sm: fc.record({ message_id: text, ...source }),
  query_sm_resp: fc.record({ message_id: text, final_date: time, message_state: octet, error_code: octet }),
  cancel_sm: fc.record({ service_type: text, message_id: text, ...source, ...destination }),
  cancel_sm_resp: nothing,
  replace_sm: fc.record({
    message_id: text,
    ...source,
    schedule_delivery_time: time,
    validity_period: time,
    registered_delivery: octet,
    sm_default_msg_id: octet,
    short_message: shortMessage,
  }),
  replace_sm_resp: nothing,
  alert_notification: fc.record({ ...source, esme_addr_ton: octet, esme_addr_npi: octet, esme_addr: text }),
}

/** A sound PDU of one of these commands. */
export function soundPdu(commands: readonly CommandName[] = Object.keys(commandIds) as CommandName[]): fc.Arbitrary<Draft> {
  return fc.constantFrom(...commands).chain((command) => {
    const fields = fieldsOf[command]
    return fc.record({ command: fc.constant(command), sequence, fields, tlvs }) as unknown as fc.Arbitrary<Draft>
  })
}

export const soundFrame: fc.Arbitrary<Buffer> = soundPdu().map((pdu) => encodePdu(pdu))

type Damage =
  | { what: 'octet'; at: number; value: number }
  | { what: 'cut'; at: number }
  | { what: 'insert'; at: number; octets: Uint8Array }
  | { what: 'length'; value: number }
  | { what: 'command'; id: number }

const at = fc.nat(0xffff)
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ what: fc.constant('octet' as const), at, value: fc.oneof(octet, fc.constantFrom(0, 0xff)) }),
  fc.record({ what: fc.constant('cut' as const), at }),
  fc.record({ what: fc.constant('insert' as const), at, octets: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
  fc.record({
    what: fc.constant('length' as const),
    value: fc.oneof(fc.nat(64), fc.constantFrom(0, 3, 4, 8, 15, 17_000, 65_536, 65_537, 0xffffffff)),
  }),
  fc.record({ what: fc.constant('command' as const), id: fc.oneof(fc.constantFrom(...Object.values(commandIds)), fc.nat(0x200)) }),
)

/**
 * A PDU damaged up to three times. Mostly its command_length is made to fit
 * again, so that the damage comes as far as the codec.
 */
export const damagedFrame: fc.Arbitrary<Buffer> = fc
  .tuple(soundFrame, fc.array(damage, { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 9 }))
  .map(([frame, damages, mending]) => {
    let octets: Buffer = Buffer.from(frame)
    for (const each of damages) octets = damaged(octets, each)
    if (mending < 7 && octets.length >= 4) octets.writeUInt32BE(octets.length, 0)
    return octets
  })

function damaged(octets: Buffer, how: Damage): Buffer {
  switch (how.what) {
    case 'octet':
      if (octets.length > 0) octets[how.at % octets.length] = how.value
      return octets
    case 'cut':
      return octets.subarray(0, how.at % (octets.length + 1))
    case 'insert': {
      const place = how.at % (octets.length + 1)
      return Buffer.concat([octets.subarray(0, place), how.octets, octets.subarray(place)])
    }
    case 'length':
      if (octets.length >= 4) octets.writeUInt32BE(how.value, 0)
      return octets
    case 'command':
      if (octets.length >= 8) octets.writeUInt32BE(how.id, 4)
      return octets
  }
}

export const noise: fc.Arbitrary<Buffer> = octets(200)

export const anyFrame: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 2, arbitrary: soundFrame },
  { weight: 6, arbitrary: damagedFrame },
  { weight: 1, arbitrary: noise },
)

/** Octets of several frames, and the pieces in which they arrive. */
export const anyStream: fc.Arbitrary<Buffer[]> = fc
  .tuple(fc.array(anyFrame, { minLength: 1, maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }))
  .map(([frames, sizes]) => inPieces(Buffer.concat(frames), sizes))

/** Cuts the octets into pieces of these sizes, over and over. */
export function inPieces(octets: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (let i = 0; at < octets.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1)
    pieces.push(octets.subarray(at, end))
    at = end
  }
  return pieces
}
