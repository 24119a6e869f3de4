/**
 * Binds of one account come in one after the other: until one has been let in,
 * only one knocks. A wrong password is so tried once, not once by each bind,
 * which is what gets accounts locked.
 */
export interface Guest {
  /** It is your turn. */
  go(): void
  /** Another one knocks for you, for now in vain. `refusal`: why it was sent away for good, if it was. */
  hold(refusal: string | null): void
}

export class Door {
  readonly #inside = new Set<Guest>()
  readonly #queue = new Set<Guest>()
  #knocking: Guest | null = null

  /** Calls `go` now or when it is this one's turn. */
  ask(guest: Guest): void {
    const isFree = this.#knocking === null || this.#knocking === guest
    if (this.#inside.size === 0 && !isFree) {
      this.#queue.add(guest)
      return guest.hold(null)
    }
    if (this.#inside.size === 0) this.#knocking = guest
    guest.go()
  }

  entered(guest: Guest): void {
    this.#inside.add(guest)
    if (this.#knocking === guest) this.#knocking = null
    const queue = [...this.#queue]
    this.#queue.clear()
    for (const next of queue) next.go()
  }

  refused(guest: Guest, refusal: string): void {
    if (this.#knocking === guest) for (const next of this.#queue) next.hold(refusal)
  }

  left(guest: Guest): void {
    this.#inside.delete(guest)
  }

  /** It will not come back. */
  gone(guest: Guest): void {
    this.left(guest)
    this.#queue.delete(guest)
    if (this.#knocking !== guest) return
    this.#knocking = null
    const [next] = this.#queue
    if (next !== undefined) {
      this.#queue.delete(next)
      this.ask(next)
    }
  }
}
