/** Taking away what has been kept for long enough (`retention` in pforte.yaml), and erasing what is held about one customer. */

/** In the order in which they are worked off. */
export const retentionKinds = ['recordings', 'messageTexts', 'numbers', 'tickets', 'events', 'webhooks', 'audit'] as const
export type RetentionKind = (typeof retentionKinds)[number]

/** How long each kind is kept, in milliseconds; null: without end. */
export type RetentionRules = Readonly<Record<RetentionKind, number | null>>
