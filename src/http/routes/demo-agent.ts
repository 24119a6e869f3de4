import { type Api, NoContent, problems } from '../api.ts'
import type { HttpOptions } from '../options.ts'
import { ref } from '../schemas/common.ts'
import { SipAccount } from '../schemas/service.ts'

/** The agent that `npm run call` answers its own call with. The routes exist only on the embedded Asterisk. */
export function demoAgentRoutes(app: Api, { demoAgent }: HttpOptions): void {
  if (demoAgent == null) return
  const tags = ['demo']

  app.put(
    '/v1/demo-agent',
    {
      config: { scope: 'admin', hasOwnTransactions: true },
      schema: {
        tags,
        summary: 'Have a demo agent for a while, or for longer',
        description: 'Answers the SIP account to register with. Ask again every few seconds; the agent goes when nobody asks any more.',
        response: { 200: ref(SipAccount), ...problems },
      },
    },
    async () => demoAgent.keep(),
  )

  app.delete(
    '/v1/demo-agent',
    {
      config: { scope: 'admin', hasOwnTransactions: true },
      schema: { tags, summary: 'Send the demo agent away', response: { 204: NoContent, ...problems } },
    },
    async (_request, reply) => {
      await demoAgent.dismiss()
      return reply.code(204).send(null)
    },
  )
}
