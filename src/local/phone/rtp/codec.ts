import g711 from 'alawmulaw'

const { alaw, mulaw } = g711

export type Codec = 'alaw' | 'ulaw'

/** RFC 3551, table 4. */
export const codecs: Readonly<Record<Codec, { readonly payloadType: number; readonly name: string; readonly silence: number }>> = {
  alaw: { payloadType: 8, name: 'PCMA', silence: 0xd5 },
  ulaw: { payloadType: 0, name: 'PCMU', silence: 0xff },
}

const decoded = {
  alaw: Int16Array.from({ length: 256 }, (_, code) => alaw.decodeSample(code)),
  ulaw: Int16Array.from({ length: 256 }, (_, code) => mulaw.decodeSample(code)),
}

export function encode(codec: Codec, samples: Int16Array): Uint8Array {
  return codec === 'alaw' ? alaw.encode(samples) : mulaw.encode(samples)
}

export function decode(codec: Codec, payload: Uint8Array): Int16Array {
  return Int16Array.from(payload, (code) => decoded[codec][code] ?? 0)
}
