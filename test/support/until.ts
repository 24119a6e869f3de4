/** Waiting for what somebody else does, where nothing tells us: looks again soon, and says what it saw last when it gives up. */

const LOOK_EVERY_MS = 20

export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  withinMs = 15_000,
): Promise<T> {
  const giveUpAt = performance.now() + withinMs
  let last: unknown
  for (;;) {
    try {
      const seen = await look()
      if (seen !== null && seen !== undefined && seen !== false) return seen
      last = seen
    } catch (error) {
      last = error
    }
    if (performance.now() > giveUpAt)
      throw new Error(
        `waited ${withinMs} ms in vain for ${what}; the last look gave ${last instanceof Error ? last.message : JSON.stringify(last)}`,
      )
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
