/**
 * What leaves on one connection. Frames of one turn of the event loop go out
 * in one write, since the system call costs more than all the rest; and when
 * the peer does not read, they wait here, where it is known that not a byte of
 * them has left.
 */
import type { Writable } from 'node:stream'

/** Of one write: more only copies. */
const MOST_BYTES_A_WRITE = 64 * 1024

type Waiting = { frame: Buffer; onWritten: (() => void) | null }

export class Outgoing {
  readonly #stream: Writable
  readonly #onProgress: () => void
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #isBlocked = false
  #isScheduled = false
  #isOver = false

  /** @param onProgress after frames have been written that had waited for the peer */
  constructor(stream: Writable, onProgress: () => void) {
    this.#stream = stream
    this.#onProgress = onProgress
    stream.on('drain', this.#drained)
  }

  /** Octets that wait here and in the socket. */
  get unsentBytes(): number {
    return this.#waitingBytes + this.#stream.writableLength
  }

  /** @param onWritten once it was given to the network: from then on it may have arrived */
  push(frame: Buffer, onWritten: (() => void) | null = null): void {
    if (this.#isOver) return
    this.#waiting.push({ frame, onWritten })
    this.#waitingBytes += frame.length
    if (this.#isScheduled || this.#isBlocked) return
    this.#isScheduled = true
    setImmediate(this.#flushTurn)
  }

  /** Writes now what the socket takes. */
  flush(): void {
    let from = 0
    while (from < this.#waiting.length && !this.#isBlocked && !this.#isOver) {
      let end = from
      let bytes = 0
      while (end < this.#waiting.length && (end === from || bytes + this.#waiting[end]!.frame.length <= MOST_BYTES_A_WRITE)) {
        bytes += this.#waiting[end++]!.frame.length
      }
      const some = this.#waiting.slice(from, end)
      from = end
      this.#waitingBytes -= bytes
      const octets =
        some.length === 1
          ? some[0]!.frame
          : Buffer.concat(
              some.map(({ frame }) => frame),
              bytes,
            )
      for (const { onWritten } of some) onWritten?.()
      this.#isBlocked = !this.#stream.write(octets)
    }
    this.#waiting = from === this.#waiting.length ? [] : this.#waiting.slice(from)
  }

  /** Nothing leaves any more; what waits never did. */
  end(): void {
    this.#isOver = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#stream.off('drain', this.#drained)
  }

  readonly #flushTurn = (): void => {
    this.#isScheduled = false
    this.flush()
  }

  readonly #drained = (): void => {
    this.#isBlocked = false
    this.flush()
    this.#onProgress()
  }
}
