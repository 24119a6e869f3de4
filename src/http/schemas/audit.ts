import { Type } from 'typebox'
import { StringOrNull, Time } from './common.ts'

const Actor = Type.Union([
  Type.Object({ keyId: Type.String(), name: Type.String() }, { description: 'An API key' }),
  Type.Object({ cli: Type.String({ description: 'User of the machine' }) }, { description: 'The command line' }),
  Type.Object({ pforte: Type.String() }, { description: 'A part of Pforte by itself' }),
])

const Fields = Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], {
  description: 'Of a change, the fields that changed. Secrets are covered',
})

export const Audit = Type.Object(
  {
    id: Type.String(),
    at: Time,
    actor: Actor,
    requestId: Type.Union([Type.String(), Type.Null()], { description: 'Under which the log has the request' }),
    action: Type.Enum(['created', 'changed', 'deleted']),
    object: Type.String(),
    objectId: Type.String(),
    customerId: StringOrNull,
    before: Fields,
    after: Fields,
  },
  { $id: 'Audit' },
)
