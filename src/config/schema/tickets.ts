/** The clocks of tickets, as `pforte.yaml` writes them. */
import Type from 'typebox'
import { whole, yesOrNo } from './values.ts'

const closed = { additionalProperties: false }

export const tkg58 = Type.Object(
  {
    on: Type.Optional(yesOrNo('Whether the law applies: to consumers in Germany.', true)),
    sms: Type.Optional(
      yesOrNo(
        'Whether customers are told of its dates by SMS: `ticket.notice` on the next day, `ticket.compensation` on the third.',
        false,
      ),
    ),
  },
  { ...closed, description: 'The dates that TKG § 58 sets once a fault is reported. They are shown on the ticket, and sent as events.' },
)

export const tickets = Type.Object(
  {
    due_soon_percent: Type.Optional(
      whole('How much of the time that a contract promises has passed when its ticket is due soon.', {
        minimum: 1,
        maximum: 99,
        default: 80,
      }),
    ),
    fault_by_default: Type.Optional(yesOrNo('Whether a ticket reports a fault unless it is said that it does not.', false)),
    tkg58: Type.Optional(tkg58),
  },
  { ...closed, description: 'What is promised with a ticket, by contract and by law.' },
)
