/** PDUs that nobody should send and somebody will: one for each way in which an SMSC has been seen to be wrong. */
import { commandIds, headerBytes, statuses } from '../../wire/smpp/constants.ts'
import { encodePdu } from '../../wire/smpp/pdu.ts'

/** From a phone to one of ours, sound but for what is done to it. */
const reply = {
  source_addr_ton: 1,
  source_addr_npi: 1,
  source_addr: '4915100000000',
  destination_addr: '4962100000',
  data_coding: 0,
  short_message: Buffer.from('malformed'),
}

function deliver(sequence: number, fields: Partial<typeof reply & { validity_period: string }> = {}): Buffer {
  return encodePdu({ command: 'deliver_sm', sequence, fields: { ...reply, ...fields } })
}

/** As long as it says, whatever was done to it. */
function relengthed(...pieces: Buffer[]): Buffer {
  const frame = Buffer.concat(pieces)
  frame.writeUInt32BE(frame.length, 0)
  return frame
}

function withLength(commandLength: number): (sequence: number) => Buffer {
  return (sequence) => {
    const frame = deliver(sequence)
    frame.writeUInt32BE(commandLength, 0)
    return frame
  }
}

/** Where the address of the sender begins: after the header, an empty service_type, its TON and NPI. */
const sourceAddrAt = headerBytes + 3

const kinds = {
  length_0: withLength(0),
  length_3: withLength(3),
  length_4: withLength(4),
  length_8: withLength(8),
  length_15: withLength(15),
  /** Beyond what some readers take, and never complete. */
  length_17000: withLength(17_000),
  length_max: withLength(0xffffffff),
  /** A PDU that never completes: its header, and half of it. */
  never_complete: (sequence) => deliver(sequence).subarray(0, 40),
  unknown_command: (sequence) => {
    const frame = encodePdu({ command: 'enquire_link', sequence })
    frame.writeUInt32BE(0x0000_0fff, 4)
    return frame
  },
  /** message_payload of 200 octets, of which 3 are there. */
  truncated_tlv: (sequence) =>
    relengthed(deliver(sequence, { short_message: Buffer.alloc(0) }), Buffer.from([0x04, 0x24, 0, 200, 1, 2, 3])),
  octets_left_over: (sequence) => relengthed(deliver(sequence), Buffer.from([0x04, 0x27, 0])),
  /** sm_length says more than there is. */
  truncated_text: (sequence) => relengthed(deliver(sequence).subarray(0, -4)),
  text_without_end: (sequence) => relengthed(deliver(sequence).subarray(0, sourceAddrAt + 5)),
  /** All that follows is read one field too early. */
  nul_in_address: (sequence) => {
    const frame = deliver(sequence)
    frame[sourceAddrAt + 4] = 0
    return frame
  },
  bad_time: (sequence) => deliver(sequence, { validity_period: 'yesterday' }),
  bad_submit_multi_resp: (sequence) => {
    const frame = encodePdu({
      command: 'submit_multi_resp',
      sequence,
      fields: {
        message_id: 'A1',
        unsuccess_sme: [{ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '49151', error_status_code: 11 }],
      },
    })
    frame[headerBytes + 3] = 200
    return frame
  },
  /** A deliver_sm with a header and nothing else. */
  no_body: (sequence) => {
    const frame = encodePdu({ command: 'enquire_link', sequence })
    frame.writeUInt32BE(commandIds.deliver_sm, 4)
    return frame
  },
  /** An answer to what was never asked. */
  stray_response: () => encodePdu({ command: 'submit_sm_resp', sequence: 0x7ffffff0, fields: { message_id: 'stray' } }),
  stray_nack: () => encodePdu({ command: 'generic_nack', sequence: 0x7ffffff0, status: statuses.ESME_RINVCMDID }),
  /** No PDU at all. */
  noise: () => Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
} satisfies Record<string, (sequence: number) => Buffer>

export type MalformedKind = keyof typeof kinds

export const malformedKinds = Object.keys(kinds) as MalformedKind[]

export function malformed(kind: MalformedKind, sequence: number): Buffer {
  return kinds[kind](sequence)
}
