/** What the clocks of tickets ask of the store. */
export interface TicketClockStore {
  /**
   * Tells what has fallen due by `at` with up to `most` tickets, those that have waited longest first: webhooks' events, and SMS where
   * they are switched on. Each once, however many processes ask at once. `isMore`: perhaps others have, too.
   * @throws StoreUnavailable
   */
  tellDue(at: number, most: number): Promise<{ told: number; isMore: boolean }>
  /**
   * Where `pforte.yaml` has other hours or rules than when the clocks of all open tickets were set last, by whichever process, they
   * are set again. Returns how many; until `stop`.
   * @throws StoreUnavailable
   */
  setAgain(at: number, stop: AbortSignal): Promise<number>
}
