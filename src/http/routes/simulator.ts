import { type Api, NoContent, problems } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions, PartAcknowledgement, SimulatedPdu, Simulator } from '../options.ts'
import { requireE164 } from '../phone-number.ts'
import { invalidField } from '../problem.ts'
import { List, ref } from '../schemas/common.ts'
import { Fault, MOST_PDUS, NewFault, NewReply, Pdu, PduQuery, Reply } from '../schemas/simulator.ts'
import { faultOf } from '../simulated-fault.ts'

/** Longer than Pforte takes to acknowledge a reply. One that is still not taken then waits on, and the answer says so. */
const REPLY_LIMIT_MS = 5_000

/** The SMSC that stands in for a carrier: phones that answer, faults on demand, and what was on the wire. */
export function simulatorRoutes(app: Api, { simulator, service }: HttpOptions): void {
  if (simulator == null) return
  const tags = ['simulator']

  app.post(
    '/simulator/replies',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'A phone answers',
        description:
          'Comes back once Pforte has acknowledged every part (201). 202: nobody is bound to take it, or nobody took it in time; it waits.',
        body: NewReply,
        response: { 201: ref(Reply), 202: ref(Reply), ...problems },
      },
    },
    async (request, reply) => {
      const { to = null, text, coding, longForm } = request.body
      const from = requireE164(request.body.from, service().country, 'body', 'from')
      const answer = { from, to, text, ...(coding && { coding }), ...(longForm && { longForm }) }
      const parts = await withinLimit(acknowledged(simulator, answer), simulator.isBound ? REPLY_LIMIT_MS : 0)
      return reply.code(parts === 'waits' ? 202 : 201).send({ from, to, parts: parts === 'waits' ? [] : parts })
    },
  )

  app.post(
    '/simulator/faults',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Have something go wrong at the carrier',
        description: `From now on, beside what goes wrong already. PDUs of \`malform\`: ${simulator.words.malformed.join(', ')}.`,
        body: NewFault(simulator.words),
        response: { 201: ref(Fault), ...problems },
      },
    },
    async (request, reply) => {
      const { to } = request.body
      const fault = faultOf(request.body, simulator.words)
      if (to !== undefined) fault.to = requireE164(to, service().country, 'body', 'to')
      simulator.fault(fault)
      return reply.code(201).send(fault)
    },
  )

  app.delete(
    '/simulator/faults',
    { config: { scope: 'admin' }, schema: { tags, summary: 'Have nothing go wrong any more', response: { 204: NoContent, ...problems } } },
    async (_request, reply) => {
      simulator.clearFaults()
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/simulator/pdus',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'What was on the wire, newest first',
        description: 'Kept in memory only. Passwords are not.',
        querystring: PduQuery,
        response: { 200: List(ref(Pdu)), ...problems },
      },
    },
    async (request) => {
      const { command, direction, limit = MOST_PDUS } = request.query
      const fits = (pdu: SimulatedPdu): boolean =>
        (command === undefined || pdu.command === command) && (direction === undefined || pdu.direction === direction)
      const found = simulator.pdus().filter(fits).toReversed().slice(0, limit)
      return { items: found.map((pdu) => ({ ...pdu, at: isoTime(pdu.at) })), next: null }
    },
  )
}

async function acknowledged(simulator: Simulator, reply: Parameters<Simulator['reply']>[0]): Promise<PartAcknowledgement[]> {
  const parts = await simulator.reply(reply).catch((error: unknown) => {
    if (error instanceof RangeError) throw invalidField('body', 'coding', 'has not every character of the text')
    throw error
  })
  if (parts === null) throw invalidField('body', 'to', 'is missing, and nobody has written to this phone yet')
  return parts
}

async function withinLimit<T>(work: Promise<T>, limitMs: number): Promise<T | 'waits'> {
  const limit = Promise.withResolvers<'waits'>()
  const timer = setTimeout(() => limit.resolve('waits'), limitMs)
  // What settles after that is nobody's any more.
  work.catch(() => {})
  try {
    return await Promise.race([work, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
