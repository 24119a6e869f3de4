import { Type } from 'typebox'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { callerFilter } from '../phone-number.ts'
import { notFound } from '../problem.ts'
import { Call, CallOutcome } from '../schemas/calls.ts'
import { List, ListQuery, LooseIdParam, ref, Uuid } from '../schemas/common.ts'
import type { CallRecord } from '../../app/ports/records.ts'

const CallQuery = ListQuery({
  caller: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  customerId: Type.Optional(Uuid('a customer')),
  ticketId: Type.Optional({ ...Uuid('a ticket'), description: 'The call that it was made of' }),
  line: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  outcome: Type.Optional(CallOutcome),
})

/** Calls, under way and past. */
export function callRoutes(app: Api, { records, service }: HttpOptions): void {
  const tags = ['calls']

  app.get(
    '/v1/calls',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Calls, newest first', querystring: CallQuery, response: { 200: List(ref(Call)), ...problems } },
    },
    async (request) => {
      const { caller, customerId, ticketId, line, outcome } = request.query
      const sought = caller === undefined ? undefined : callerFilter(caller, service().country)
      const filter = { ...given({ caller: sought, customerId, ticketId, line, outcome }), ...timeRange(request.query) }
      const page = await records.calls(filter, pageOf(request.query))
      return { items: page.items.map(showCall), next: page.next }
    },
  )

  app.get(
    '/v1/calls/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'A call and its path through the flow',
        params: LooseIdParam('a call'),
        response: { 200: ref(Call), ...problems },
      },
    },
    async (request) => {
      const call = await records.call(request.params.id)
      if (call === null) throw notFound('call')
      return showCall(call)
    },
  )
}

export function showCall(call: CallRecord) {
  return {
    ...call,
    startedAt: isoTime(call.startedAt),
    answeredAt: isoTime(call.answeredAt),
    endedAt: isoTime(call.endedAt),
    path: call.path.map((entry) => ({ ...entry, enteredAt: isoTime(entry.enteredAt) })),
  }
}
