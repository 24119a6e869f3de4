/** How long what is kept: from what is written to milliseconds. */
import { retentionKinds, type RetentionRules } from '../app/ports/retention.ts'
import { ms } from './flow.ts'
import { filled } from './schema/filled.ts'
import * as schema from './schema/privacy.ts'
import type { ServiceFile } from './schema/service.ts'
import type { Service } from './service.ts'

export function retentionOf(written: ServiceFile['retention']): RetentionRules {
  const kept = filled(schema.retention, written)
  const keepMs = (text: string): number | null => (text === 'forever' ? null : ms(text))
  return Object.fromEntries(retentionKinds.map((kind) => [kind, keepMs(kept[kind])])) as RetentionRules
}

export function logsOf(written: ServiceFile['logs']): Service['logs'] {
  return filled(schema.logs, written)
}
