/** Who wants no messages, by purpose. */

/** Stands for every purpose. */
export const everyPurpose = 'all'

/** What somebody said; how it is proved (their message, when, over which number) is kept beside it. */
export type ConsentChange = { purpose: string; is: 'out' | 'in'; at: number }

/**
 * Whether messages for `purpose` may be sent to somebody who said all this, in the order of its saying.
 * The last word that speaks of the purpose counts; who never said one may be written to.
 */
export function mayReceive(changes: readonly ConsentChange[], purpose: string): boolean {
  return changes.findLast((change) => change.purpose === purpose || change.purpose === everyPurpose)?.is !== 'out'
}

/** True if saying this alters anything, so that it is worth a confirmation: who says STOP twice is told once. */
export function changesConsent(changes: readonly ConsentChange[], said: Pick<ConsentChange, 'purpose' | 'is'>): boolean {
  const purposes = new Set([said.purpose, ...changes.map(({ purpose }) => purpose)])
  const after = [...changes, { ...said, at: 0 }]
  return [...purposes].some((purpose) => mayReceive(changes, purpose) !== mayReceive(after, purpose))
}
