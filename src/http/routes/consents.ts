/** What somebody said about getting messages, and what other systems were told by them. */
import { Type } from 'typebox'
import { type Api, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { requireE164 } from '../phone-number.ts'
import { valueOf } from '../problem.ts'
import { PhoneNumber, ref } from '../schemas/common.ts'
import { Consents, NewConsent } from '../schemas/privacy.ts'
import type { NumberConsents } from '../../app/ports/privacy.ts'

const NumberParam = Type.Object({ number: PhoneNumber })

export function consentRoutes(app: Api, { records, service, now }: HttpOptions): void {
  const tags = ['privacy']

  app.get(
    '/v1/consents/:number',
    {
      config: { scope: ['read', 'customers'] },
      schema: {
        tags,
        summary: 'Whether a number may be written to, and why',
        params: NumberParam,
        response: { 200: ref(Consents), ...problems },
      },
    },
    async (request) => showConsents(await records.consents(numberOf(request.params.number))),
  )

  app.put(
    '/v1/consents/:number',
    {
      config: { scope: 'customers' },
      schema: {
        tags,
        summary: 'Write down that somebody wants no messages, or wants them again',
        description:
          'For what was said on the phone or in writing; replies by SMS are understood by themselves. Nothing is overwritten: the last ' +
          'word counts, and what was said before stays as proof. An opt-out ends what waits, too.',
        params: NumberParam,
        body: NewConsent,
        response: { 200: ref(Consents), ...problems },
      },
    },
    async (request) => {
      const { purpose = 'all', is, evidence = null } = request.body
      const said = { number: numberOf(request.params.number), purpose, is, evidence }
      return showConsents(valueOf(await records.sayConsent(said, now()), { invalid: 'unprocessable' }))
    },
  )

  /** @throws ProblemError that names the path */
  function numberOf(text: string): string {
    return requireE164(text, service().country, 'path', 'number')
  }
}

function showConsents({ said, ...consents }: NumberConsents) {
  return { ...consents, said: said.map((one) => ({ ...one, at: isoTime(one.at) })) }
}
