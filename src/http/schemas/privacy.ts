import { Type } from 'typebox'
import { Time, TimeOrNull } from './common.ts'

const Purged = Type.Object({
  kind: Type.String({ description: 'As in `retention` in pforte.yaml' }),
  before: Type.Unsafe<string>({ ...Time, description: 'What is older was to go' }),
  purged: Type.Integer({ description: 'How much went' }),
  tookMs: Type.Integer(),
  isWhole: Type.Boolean({ description: 'False: it was cut short, and the next run goes on' }),
})

export const RetentionRun = Type.Object(
  {
    id: Type.String(),
    startedAt: Time,
    endedAt: Type.Unsafe<string | null>({ ...TimeOrNull, description: 'Null: it is under way, or was cut short' }),
    kinds: Type.Array(Purged),
  },
  { $id: 'RetentionRun', description: 'What was taken away in one night' },
)
