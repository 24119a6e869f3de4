import { Type } from 'typebox'
import { MsOrNull, orNull, StringOrNull, Time, TimeOrNull } from './common.ts'

export const CallOutcome = Type.Enum(['connected', 'voicemail', 'callback', 'informed', 'abandoned', 'turned_away', 'failed'])

export const Call = Type.Object(
  {
    id: Type.String(),
    line: Type.String(),
    caller: StringOrNull,
    customerId: StringOrNull,
    contractId: StringOrNull,
    startedAt: Time,
    answeredAt: TimeOrNull,
    endedAt: TimeOrNull,
    outcome: orNull(Type.String({ description: `${CallOutcome.enum.join(', ')}; null while it lasts` })),
    agentId: StringOrNull,
    waitMs: MsOrNull,
    talkMs: MsOrNull,
    ticketId: StringOrNull,
    path: Type.Array(
      Type.Object({
        step: Type.String(),
        enteredAt: Time,
        outcome: orNull(Type.String({ description: 'The edge that was taken; null in the step where the call is' })),
      }),
      { description: 'The way through the flow; never holds digits' },
    ),
  },
  { $id: 'Call' },
)
