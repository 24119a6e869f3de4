/**
 * Texts as a WebSocket's client sends them (RFC 6455 §5.2), many at once in one
 * piece. `ws` writes two pieces for each; a handful of commands a turn leaves
 * with half of the work when it is one.
 */
const FINAL_TEXT = 0x81
/** A client says that it masks. A key of zeros changes nothing: masking protects proxies from scripts in browsers (§10.3). */
const MASKED = 0x80
const KEY_BYTES = 4
const MOST_IN_7_BITS = 125
const MOST_IN_16_BITS = 0xffff
const IN_16_BITS = 126
const IN_64_BITS = 127

/** @returns each text as one frame, in this order */
export function textFrames(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerBytes(length) + length, 0))
  let at = 0
  for (const [place, text] of texts.entries()) {
    at = writeHeader(frames, at, lengths[place]!)
    at += frames.write(text, at)
  }
  return frames
}

function headerBytes(length: number): number {
  return 2 + (length <= MOST_IN_7_BITS ? 0 : length <= MOST_IN_16_BITS ? 2 : 8) + KEY_BYTES
}

function writeHeader(frames: Buffer, start: number, length: number): number {
  let at = start
  frames[at++] = FINAL_TEXT
  if (length <= MOST_IN_7_BITS) frames[at++] = MASKED | length
  else if (length <= MOST_IN_16_BITS) {
    frames[at++] = MASKED | IN_16_BITS
    at = frames.writeUInt16BE(length, at)
  } else {
    frames[at++] = MASKED | IN_64_BITS
    at = frames.writeBigUInt64BE(BigInt(length), at)
  }
  return frames.writeUInt32BE(0, at)
}
