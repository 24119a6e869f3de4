import { codecs, type Codec } from './rtp/codec.ts'

/** Session descriptions (RFC 4566, RFC 3264) for one stream of telephone sound. Pure. */
export interface Media {
  readonly host: string
  readonly port: number
  readonly codec: Codec
  /** The payload type of telephone events, if they are spoken. */
  readonly digitsType: number | undefined
  /** As seen by whoever wrote it. */
  readonly direction: Direction
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** What most implementations use for telephone events. */
export const usualDigitsType = 101

export function formatSdp(media: Media, session: { id: number; version: number }): string {
  const { payloadType, name } = codecs[media.codec]
  const family = media.host.includes(':') ? 'IP6' : 'IP4'
  const types = [payloadType, ...(media.digitsType === undefined ? [] : [media.digitsType])]
  return [
    'v=0',
    `o=- ${session.id} ${session.version} IN ${family} ${media.host}`,
    's=call',
    `c=IN ${family} ${media.host}`,
    't=0 0',
    `m=audio ${media.port} RTP/AVP ${types.join(' ')}`,
    `a=rtpmap:${payloadType} ${name}/8000`,
    ...(media.digitsType === undefined ? [] : [`a=rtpmap:${media.digitsType} telephone-event/8000`, `a=fmtp:${media.digitsType} 0-15`]),
    'a=ptime:20',
    `a=${media.direction}`,
    '',
  ].join('\r\n')
}

/** Reads an offer or answer; of the codecs that we speak, the one in `preferred` wins, then the order of the other side. Undefined if none is there. */
export function parseSdp(text: string, preferred?: Codec): Media | undefined {
  const lines = text.split(/\r?\n/)
  const start = lines.findIndex((line) => line.startsWith('m=audio '))
  if (start < 0) return undefined
  const next = lines.findIndex((line, at) => at > start && line.startsWith('m='))
  const own = lines.slice(start, next < 0 ? undefined : next)
  const [, port = '0', , ...types] = (own[0] ?? '').split(' ')
  const host = [...own, ...lines.slice(0, start)]
    .find((line) => line.startsWith('c='))
    ?.split(' ')[2]
    ?.split('/')[0]
  if (host === undefined) return undefined

  const names = new Map<number, string>([
    [0, 'PCMU'],
    [8, 'PCMA'],
  ])
  for (const line of own) {
    const map = /^a=rtpmap:(\d+) ([^/\s]+)/i.exec(line)
    if (map !== null) names.set(Number(map[1]), (map[2] ?? '').toUpperCase())
  }
  const offered = types.flatMap((type) => (Object.keys(codecs) as Codec[]).filter((codec) => codecs[codec].payloadType === Number(type)))
  const codec = offered.find((one) => one === preferred) ?? offered[0]
  if (codec === undefined) return undefined
  const digitsType = types.map(Number).find((type) => names.get(type) === 'TELEPHONE-EVENT')
  const direction = [...own, ...lines.slice(0, start)]
    .map((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.exec(line)?.[1])
    .find((one) => one !== undefined)
  return { host, port: Number(port), codec, digitsType, direction: (direction as Direction | undefined) ?? 'sendrecv' }
}

/** What to answer to the other side's direction (RFC 3264, section 6.1). */
export function mirrored(direction: Direction): Direction {
  return direction === 'sendonly' ? 'recvonly' : direction === 'recvonly' ? 'sendonly' : direction
}
