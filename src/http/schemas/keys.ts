import { Type } from 'typebox'
import { MOST_REQUESTS_PER_MINUTE, SCOPES, USUAL_REQUESTS_PER_MINUTE } from '../../app/ports/api-keys.ts'
import { Input, Name, orNull, Time, TimeOrNull } from './common.ts'

const Scopes = Type.Array(Type.Enum([...SCOPES]), {
  minItems: 1,
  maxItems: SCOPES.length,
  description:
    '`read` sees everything but what is for administrators; `tickets`, `events` and `customers` write what they name (`customers` ' +
    'contracts, PINs and consents too); `admin` may do everything',
})

export const NewApiKey = Input({
  name: Name,
  scopes: Scopes,
  expiresAt: Type.Optional(TimeOrNull),
  requestsPerMinute: Type.Optional(
    orNull(Type.Integer({ minimum: 1, maximum: MOST_REQUESTS_PER_MINUTE, description: `${USUAL_REQUESTS_PER_MINUTE} where not given` })),
  ),
})

const fields = {
  id: Type.String({ description: 'Part of the key, and no secret' }),
  name: Type.String(),
  scopes: Scopes,
  requestsPerMinute: Type.Integer(),
  createdAt: Time,
  expiresAt: TimeOrNull,
  revokedAt: TimeOrNull,
  lastUsedAt: orNull(Type.String({ format: 'date-time', description: 'To the minute' })),
}

export const ApiKey = Type.Object(fields, { $id: 'ApiKey' })

export const DrawnApiKey = Type.Object(
  { ...fields, key: Type.String({ description: 'For the header Authorization. This answer is the only one that ever contains it' }) },
  { $id: 'DrawnApiKey' },
)

export const KeyIdParam = Type.Object({ id: Type.String({ pattern: '^[a-z0-9]{8}$', description: 'Id of an API key' }) })
