/**
 * What falls due with a ticket is told within a minute: that its promised time
 * runs short or is over, and the dates of TKG § 58. Which tickets to look at
 * stands in their rows, so it costs one look at an index while nothing is due.
 */
import type { CronJob } from '../ports/jobs.ts'
import type { Log } from '../ports/log.ts'
import type { TicketClockStore } from '../ports/ticket-clocks.ts'

const EVERY_MINUTE = '* * * * *'
/** In one transaction, so that nobody who changes a ticket waits long. */
const MOST_AT_ONCE = 50

export type TicketClocksDeps = {
  store: TicketClockStore
  log: Log
  /** Epoch milliseconds. */
  now: () => number
}

export function ticketClocks({ store, log, now }: TicketClocksDeps): CronJob {
  return {
    name: 'ticketClocks',
    pattern: EVERY_MINUTE,
    run: async (_at, stop) => {
      const set = await store.setAgain(now(), stop)
      if (set > 0) log.info({ tickets: set }, 'the clocks of open tickets go by the hours of pforte.yaml as they are now')
      for (let isMore = true; isMore && !stop.aborted; ) ({ isMore } = await store.tellDue(now(), MOST_AT_ONCE))
    },
  }
}
