/** What `pforte.yaml` defines, and how it stands at the moment. */
import { Type } from 'typebox'
import { Input, MsOrNull, StringOrNull, Time, TimeOrNull } from './common.ts'

const AgentState = Type.Enum(['available', 'paused', 'offline', 'reserved', 'ringing', 'talking', 'wrap_up'])

export const Line = Type.Object(
  { name: Type.String(), numbers: Type.Array(Type.String()), flow: Type.String(), language: Type.String() },
  { $id: 'Line' },
)

export const Queue = Type.Object(
  {
    name: Type.String(),
    waiting: Type.Array(
      Type.Object({ callId: Type.String(), position: Type.Integer(), priority: Type.Integer(), sinceAt: Time, expectedWaitMs: MsOrNull }),
    ),
    agents: Type.Array(Type.Object({ id: Type.String(), state: AgentState })),
  },
  { $id: 'Queue' },
)

export const Agent = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    endpoint: Type.String(),
    state: AgentState,
    reason: StringOrNull,
    since: Time,
    queues: Type.Array(Type.String()),
    skills: Type.Array(Type.String()),
    callId: StringOrNull,
  },
  { $id: 'Agent' },
)

export const AgentStateOrder = Input({
  state: Type.Enum(['available', 'paused', 'offline']),
  reason: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 200, description: 'Why the agent is paused' })),
})

export const SipAccount = Type.Object(
  { username: Type.String(), password: Type.String(), server: Type.String({ description: 'host:port' }) },
  { $id: 'SipAccount' },
)

/** A language tag; also keeps any other name out of the object. */
const LANGUAGE_KEY = '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'
const Texts = Type.Record(Type.String({ pattern: LANGUAGE_KEY }), Type.String())

const MOST_LANGUAGES = 20
const LONGEST_TEXT = 2000

export const AnnouncementOrder = Input({
  on: Type.Boolean(),
  text: Type.Optional(
    Type.Union(
      [
        Type.String({ minLength: 1, maxLength: LONGEST_TEXT }),
        Type.Unsafe<Record<string, string>>({
          type: 'object',
          propertyNames: { type: 'string', pattern: LANGUAGE_KEY },
          additionalProperties: { type: 'string', minLength: 1, maxLength: LONGEST_TEXT },
          maxProperties: MOST_LANGUAGES,
        }),
      ],
      { description: "What is spoken: by language, or one text in the service's first language. Not given: as before" },
    ),
  ),
  endsAt: Type.Optional(TimeOrNull),
})

export const Announcement = Type.Object(
  { name: Type.String(), on: Type.Boolean(), text: Texts, endsAt: TimeOrNull },
  { $id: 'Announcement' },
)

export const FlowPicture = Type.Object({ name: Type.String(), mermaid: Type.String(), svg: Type.String() }, { $id: 'FlowPicture' })

const Part = Type.Object({ ok: Type.Boolean(), detail: Type.String() })
export const Readiness = Type.Object(
  { ready: Type.Boolean(), parts: Type.Object({ postgres: Part, asterisk: Part, smsc: Part }) },
  { $id: 'Readiness' },
)
