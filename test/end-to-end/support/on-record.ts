/** What Pforte writes down of somebody who calls, and shows over the API. */
import { until } from '../../support/until.ts'
import type { Hotline, Row } from './hotline.ts'

const STANDS_WITHIN_MS = 20_000

export class CallerOnRecord {
  readonly number: string
  readonly #hotline: Hotline

  constructor(hotline: Hotline, number: string) {
    this.#hotline = hotline
    this.number = number
  }

  /** The newest call of this number, as the API shows it; null while there is none. */
  async row(): Promise<Row | null> {
    return (await this.#hotline.calls({ caller: this.number }))[0] ?? null
  }

  /** Waits until the call stands in this step, as the API shows it. */
  async standsIn(step: string): Promise<Row> {
    return until(
      `the call to stand in ${step}`,
      async () => {
        const row = await this.row()
        const stands = row?.['path'].at(-1)
        if (stands?.step === step && stands.outcome === null) return row
        throw new Error(`it stands in ${JSON.stringify(row?.['path'])}`)
      },
      STANDS_WITHIN_MS,
    )
  }

  /** The call's row once it is over and nothing is left of it on Asterisk or with agents. */
  async afterwards(): Promise<Row> {
    const row = await until('the call to be over in the API', async () => {
      const row = await this.row()
      return row?.['endedAt'] != null ? row : null
    })
    await this.#hotline.isGone(row)
    return row
  }

  /** The ticket that the call became. */
  async ticket(): Promise<Row> {
    const row = await until('the call to have a ticket', async () => {
      const row = await this.row()
      return row?.['ticketId'] != null ? row : null
    })
    return this.#hotline.get(`/v1/tickets/${row['ticketId']}`)
  }
}

/** `ask_pin: wrong, not_correct: done, …` */
export function pathOf(row: Row): string {
  return row['path'].map((entry: Row) => `${entry['step']}: ${entry['outcome']}`).join(', ')
}
