/** Cuts what came from a socket into PDUs. Pure: octets in, frames out. */
import { headerBytes } from './constants.ts'

export type PduHeader = { commandId: number; commandStatus: number; sequence: number }

/**
 * A command_length that no PDU has. What follows on this socket cannot be
 * made sense of any more. `header` is null where it did not come along, and
 * where the PDU claims to end within it.
 */
export type FrameFault = { fault: 'length_too_small' | 'length_too_large'; commandLength: number; header: PduHeader | null }

/** Far more than any PDU with a message_payload of use (its length is 16 bits). */
const mostBytesByDefault = 64 * 1024

const nothing = Buffer.alloc(0)

export class FrameReader {
  readonly #mostBytes: number
  /** The beginning of a PDU that is not complete: its header in `#header`, or, once its length is known, all of it in `#frame`. */
  #header = Buffer.alloc(headerBytes)
  #frame: Buffer | null = null
  #partialBytes = 0
  #broken = false

  constructor({ mostBytes = mostBytesByDefault }: { mostBytes?: number } = {}) {
    this.#mostBytes = mostBytes
  }

  /** Octets of the PDU that is not complete. */
  get partialBytes(): number {
    return this.#partialBytes
  }

  /**
   * The PDUs that are complete with this chunk, in order. They may be views of
   * it: what is kept longer must be copied. A fault is told once, with the
   * frames before it; after it nothing more is taken.
   */
  push(chunk: Buffer): { frames: Buffer[]; fault: FrameFault | null } {
    const frames: Buffer[] = []
    if (this.#broken) return { frames, fault: null }
    let at = 0
    while (at < chunk.length) {
      if (this.#partialBytes > 0) {
        at = this.#complete(chunk, at, frames)
        if (at < 0) return { frames, fault: this.#fault(this.#header.subarray(0, this.#partialBytes)) }
        continue
      }
      const left = chunk.length - at
      const length = left < 4 ? 0 : chunk.readUInt32BE(at)
      if (left >= 4 && !this.#isPossible(length)) return { frames, fault: this.#fault(chunk.subarray(at)) }
      if (left >= 4 && length <= left) {
        frames.push(chunk.subarray(at, at + length))
        at += length
      } else at = this.#begin(chunk, at)
    }
    return { frames, fault: null }
  }

  #isPossible(length: number): boolean {
    return length >= headerBytes && length <= this.#mostBytes
  }

  /** Keeps the first octets of a PDU: of its header at most, so that a mere claim of length costs no memory. */
  #begin(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + headerBytes)
    this.#partialBytes = chunk.copy(this.#header, 0, at, end)
    return end
  }

  /** Goes on with the PDU that is not complete. @returns where the chunk is read up to, -1 for a length that cannot be */
  #complete(chunk: Buffer, start: number, frames: Buffer[]): number {
    if (this.#frame === null) {
      // One field at a time: the length may be impossible, and is told as soon as it is known.
      const wanted = this.#partialBytes < 4 ? 4 : headerBytes
      const taken = chunk.copy(this.#header, this.#partialBytes, start, start + wanted - this.#partialBytes)
      this.#partialBytes += taken
      const at = start + taken
      if (this.#partialBytes < 4) return at
      const length = this.#header.readUInt32BE(0)
      if (!this.#isPossible(length)) {
        this.#partialBytes += chunk.copy(this.#header, this.#partialBytes, at, at + headerBytes - this.#partialBytes)
        return -1
      }
      if (this.#partialBytes === headerBytes) {
        this.#frame = Buffer.allocUnsafeSlow(length)
        this.#header.copy(this.#frame)
        if (length === headerBytes) this.#finish(frames)
      }
      return at
    }
    const taken = chunk.copy(this.#frame, this.#partialBytes, start)
    this.#partialBytes += taken
    if (this.#partialBytes === this.#frame.length) this.#finish(frames)
    return start + taken
  }

  #finish(frames: Buffer[]): void {
    frames.push(this.#frame ?? nothing)
    this.#frame = null
    this.#partialBytes = 0
  }

  #fault(octets: Buffer): FrameFault {
    this.#broken = true
    this.#frame = null
    this.#partialBytes = 0
    const commandLength = octets.readUInt32BE(0)
    const isTooSmall = commandLength < headerBytes
    return {
      fault: isTooSmall ? 'length_too_small' : 'length_too_large',
      commandLength,
      header: isTooSmall || octets.length < headerBytes ? null : readHeader(octets),
    }
  }
}

/** @param frame of 16 octets at least */
export function readHeader(frame: Buffer): PduHeader {
  return { commandId: frame.readUInt32BE(4), commandStatus: frame.readUInt32BE(8), sequence: frame.readUInt32BE(12) }
}
