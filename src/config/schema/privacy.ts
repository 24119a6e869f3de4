/** What is kept for how long, and what the log shows of people, as `pforte.yaml` writes it. */
import Type from 'typebox'
import { durationPattern } from '../duration.ts'
import { oneOf } from './values.ts'

const closed = { additionalProperties: false }

/** Longer than anybody may keep anything; past it dates would be none. */
const longest = '36500d'

const keep = (description: string, limits: { atLeast: string; default: string }) =>
  Type.String({
    title: 'a time to keep things for',
    pattern: `^forever$|${durationPattern}`,
    patternErrorMessage: 'Write a whole number and d right behind it, 90d, or forever.',
    description,
    durationRange: [limits.atLeast, longest],
    default: limits.default,
  })

export const retention = Type.Object(
  {
    recordings: Type.Optional(
      keep('The sound of voicemails. One whose ticket is still open is kept until that is completed.', { atLeast: '1d', default: '90d' }),
    ),
    message_texts: Type.Optional(keep('What SMS said, in both directions.', { atLeast: '1d', default: '90d' })),
    numbers: Type.Optional(
      keep("Whose number it was, in calls and SMS. At least as long as sms.caps may count what went to a number; people's opt-outs stay.", {
        atLeast: '32d',
        default: '180d',
      }),
    ),
    tickets: Type.Optional(
      keep('What completed tickets say: subject, comments, number, customer. By default as long as claims from a fault can be made.', {
        atLeast: '1d',
        default: '1095d',
      }),
    ),
    events: Type.Optional(keep('That other systems reported an event.', { atLeast: '1d', default: '30d' })),
    webhooks: Type.Optional(keep('What was delivered to webhooks, or could not be.', { atLeast: '1d', default: '30d' })),
    audit: Type.Optional(keep('Who changed what.', { atLeast: '1d', default: '365d' })),
  },
  { ...closed, description: 'How long what is kept, by kind. A job at night takes away what is older; what is counted stays.' },
)

export const logs = Type.Object(
  {
    numbers: Type.Optional(
      oneOf(
        ['full', 'masked', 'none'],
        'How telephone numbers stand in the log: as they are, as country and last two digits (+49…67), or not at all.',
        { default: 'masked' },
      ),
    ),
  },
  { ...closed, description: 'What the log shows of people.' },
)
