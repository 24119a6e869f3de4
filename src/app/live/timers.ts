/** Time as the hub needs it, so that stories need not wait for it. */
export type Timers = {
  /** @returns what calls it off */
  after(ms: number, work: () => void): () => void
  every(ms: number, work: () => void): () => void
}

/** None of them keeps a process alive. */
export const realTimers: Timers = {
  after: (ms, work) => {
    const timer = setTimeout(work, ms).unref()
    return () => clearTimeout(timer)
  },
  every: (ms, work) => {
    const timer = setInterval(work, ms).unref()
    return () => clearInterval(timer)
  },
}
