/** Telling other systems over HTTP, as `pforte.yaml` writes it; who is told what is said over the API. */
import Type from 'typebox'
import { yesOrNo } from './values.ts'

export const webhooks = Type.Object(
  {
    allow_private: Type.Optional(
      yesOrNo(
        'Whether webhooks may lead into private networks and to this machine, over http as well. Whoever has an admin key reaches them then.',
        false,
      ),
    ),
  },
  { additionalProperties: false, description: 'Where webhooks may lead.' },
)
