import decodeWav from '@audio/decode-wav'

/** Sound as numbers between -1 and 1, one array a channel. */
export interface Sound {
  readonly channels: readonly Float32Array[]
  readonly sampleRate: number
}

/** Why bytes are not a WAV file that can be played; the message completes "hold-music.wav: …". */
export class NotAudio extends Error {
  override readonly name = 'NotAudio'
}

const riffHeaderBytes = 12
const chunkHeaderBytes = 8
const shortestFormatBytes = 16

/** Beyond these a header is damaged rather than unusual. */
const sampleRates = { lowest: 1000, highest: 768_000 }
const mostChannels = 64

/**
 * Reads a WAV file of any rate, width and number of channels (PCM, float, A-law, µ-law, ADPCM).
 * @throws {NotAudio} with what the bytes are instead, or what is broken about them
 */
export function readWav(bytes: Uint8Array): Sound {
  const { format, data } = findChunks(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const sampleRate = format.readUInt32LE(4)
  const channelCount = format.readUInt16LE(2)
  if (sampleRate < sampleRates.lowest || sampleRate > sampleRates.highest) {
    throw new NotAudio(`its header says ${sampleRate} samples a second, which cannot be`)
  }
  if (channelCount < 1 || channelCount > mostChannels || format.readUInt16LE(12) < 1) {
    throw new NotAudio(`its header says ${channelCount} channels, which cannot be`)
  }
  let decoded
  try {
    decoded = decodeWav(withoutOtherChunks(format, data))
  } catch (error) {
    throw new NotAudio(`it cannot be decoded (${error instanceof Error ? error.message : String(error)})`, { cause: error })
  }
  if ((decoded.channelData[0]?.length ?? 0) === 0) throw new NotAudio('it is a WAV file without any sound in it')
  return { channels: decoded.channelData, sampleRate }
}

/** A WAV file of one channel of 16-bit samples. */
export function writeWav(samples: Int16Array, sampleRate: number): Buffer {
  const format = Buffer.alloc(shortestFormatBytes)
  format.writeUInt16LE(1, 0)
  format.writeUInt16LE(1, 2)
  format.writeUInt32LE(sampleRate, 4)
  format.writeUInt32LE(sampleRate * 2, 8)
  format.writeUInt16LE(2, 12)
  format.writeUInt16LE(16, 14)
  return withoutOtherChunks(format, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength))
}

/** How long a WAV file with a plain header lasts, in milliseconds, without decoding it. */
export function wavDurationMs(wav: Uint8Array): number {
  const { format, data } = findChunks(Buffer.from(wav.buffer, wav.byteOffset, wav.byteLength))
  return Math.round((data.length * 1000) / format.readUInt32LE(8))
}

/**
 * The chunks are found here and not by the decoder, because it takes no notice of the byte
 * that pads a chunk of odd length, and because a mistake is to be told in words that help.
 */
function findChunks(bytes: Buffer): { format: Buffer; data: Buffer } {
  if (bytes.length === 0) throw new NotAudio('it is empty')
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    throw new NotAudio(`it is not a WAV file${whatItIs(bytes)}`)
  }
  let format: Buffer | undefined
  for (let at = riffHeaderBytes; at + chunkHeaderBytes <= bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 4)
    const length = bytes.readUInt32LE(at + 4)
    const body = bytes.subarray(at + chunkHeaderBytes, at + chunkHeaderBytes + length)
    if (name === 'fmt ') format = body
    if (name === 'data') {
      if (format === undefined || format.length < shortestFormatBytes) throw new NotAudio('its header is damaged')
      // A program that writes into a pipe cannot know the length beforehand and leaves it 0 or huge.
      return { format, data: length === 0 ? bytes.subarray(at + chunkHeaderBytes) : body }
    }
    at += chunkHeaderBytes + length + (length % 2)
  }
  throw new NotAudio('it is cut short: a WAV header without sound after it')
}

function withoutOtherChunks(format: Buffer, data: Buffer): Buffer {
  const headerBytes = riffHeaderBytes + chunkHeaderBytes + format.length + chunkHeaderBytes
  const wav = Buffer.alloc(headerBytes + data.length)
  wav.write('RIFF', 0, 'latin1')
  wav.writeUInt32LE(wav.length - chunkHeaderBytes, 4)
  wav.write('WAVEfmt ', 8, 'latin1')
  wav.writeUInt32LE(format.length, 16)
  format.copy(wav, riffHeaderBytes + chunkHeaderBytes)
  wav.write('data', headerBytes - chunkHeaderBytes, 'latin1')
  wav.writeUInt32LE(data.length, headerBytes - 4)
  data.copy(wav, headerBytes)
  return wav
}

/** Names what people take for a WAV file most often. */
function whatItIs(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 12)
  if (start.startsWith('ID3') || (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0)) return ' but an MP3'
  if (start.startsWith('OggS')) return ' but an Ogg file'
  if (start.startsWith('fLaC')) return ' but a FLAC file'
  if (start.startsWith('FORM')) return ' but an AIFF file'
  if (start.slice(4, 8) === 'ftyp') return ' but an MP4 file'
  if (start.startsWith('RIFF')) return ' but another kind of RIFF file'
  return ''
}
