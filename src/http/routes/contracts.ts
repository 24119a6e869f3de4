import { type Api, given, NoContent, pageOf, problems, validity } from '../api.ts'
import { instantOf, isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { invalidField, notFound, valueOf } from '../problem.ts'
import { IdParam, Input, List, PageQuery, ref } from '../schemas/common.ts'
import { Contract, ContractChange, IssuedPin, NewContract, NewPin, Pin } from '../schemas/customers.ts'
import type * as Records from '../../app/ports/records.ts'

/** What customers have bought, and the PINs that open the line to them. */
export function contractRoutes(app: Api, { records, service, now }: HttpOptions): void {
  const tags = ['customers']

  const knownHours = (hours: string): string => {
    const names = ['always', ...service().hours]
    if (names.includes(hours)) return hours
    throw invalidField('body', 'hours', `must be one of ${names.join(', ')} (from hours in pforte.yaml)`)
  }

  app.post(
    '/v1/customers/:id/contracts',
    {
      config: { scope: 'customers' },
      schema: {
        tags,
        summary: 'Give a customer a contract',
        params: IdParam('a customer'),
        body: NewContract,
        response: { 201: ref(Contract), ...problems },
      },
    },
    async (request, reply) => {
      const { service: sold, queue = service().queue, priority = 0, hours = 'always', slaMinutes = null, pinBySms = false } = request.body
      const contract = valueOf(
        await records.createContract(
          {
            customerId: request.params.id,
            service: sold.trim(),
            queue,
            priority,
            hours: knownHours(hours),
            slaMinutes,
            pinBySms,
            ...validity(request.body),
          },
          now(),
        ),
      )
      return reply.code(201).header('location', `/v1/contracts/${contract.id}`).send(showContract(contract))
    },
  )

  app.get(
    '/v1/customers/:id/contracts',
    {
      config: { scope: ['read', 'customers'] },
      schema: {
        tags,
        summary: "A customer's contracts, newest first",
        params: IdParam('a customer'),
        querystring: Input({ ...PageQuery }),
        response: { 200: List(ref(Contract)), ...problems },
      },
    },
    async (request) => {
      const page = await records.contracts(request.params.id, pageOf(request.query))
      if (page === null) throw notFound('customer')
      return { items: page.items.map(showContract), next: page.next }
    },
  )

  app.get(
    '/v1/contracts/:id',
    {
      config: { scope: ['read', 'customers'] },
      schema: { tags, summary: 'A contract', params: IdParam('a contract'), response: { 200: ref(Contract), ...problems } },
    },
    async (request) => {
      const contract = await records.contract(request.params.id)
      if (contract === null) throw notFound('contract')
      return showContract(contract)
    },
  )

  app.patch(
    '/v1/contracts/:id',
    {
      config: { scope: 'customers' },
      schema: {
        tags,
        summary: 'Change a contract, or end it',
        description:
          'Only what is given changes. A `validTo` that has come ends it: its PINs open nothing any more. Calls under way go on.',
        params: IdParam('a contract'),
        body: ContractChange,
        response: { 200: ref(Contract), ...problems },
      },
    },
    async (request) => {
      const { service: sold, queue, priority, hours, slaMinutes, pinBySms, validFrom, validTo } = request.body
      const change = given({
        service: sold?.trim(),
        queue,
        priority,
        hours: hours === undefined ? undefined : knownHours(hours),
        slaMinutes,
        pinBySms,
        validFrom: timeOrNull(validFrom),
        validTo: timeOrNull(validTo),
      })
      return showContract(valueOf(await records.changeContract(request.params.id, change)))
    },
  )

  app.post(
    '/v1/contracts/:id/pins',
    {
      config: { scope: 'customers' },
      schema: {
        tags,
        summary: 'Issue a PIN',
        description:
          'The answer is the only one that ever contains the PIN. With `sendBySms` not even that does: the PIN goes to the first mobile ' +
          'number on file, if the contract allows it (`pinBySms`), and `messageId` tells what becomes of the message.',
        params: IdParam('a contract'),
        body: NewPin,
        response: { 201: ref(IssuedPin), ...problems },
      },
    },
    async (request, reply) => {
      const { pin, sendBySms = false } = request.body
      const { validFrom, validTo } = validity(request.body)
      const issue = {
        contractId: request.params.id,
        ...(pin === undefined ? {} : { pin }),
        ...(validFrom === null ? {} : { validFrom }),
        ...(validTo === null ? {} : { validTo }),
      }
      const issued = sendBySms
        ? valueOf(await records.sendPin(issue, now()))
        : { ...valueOf(await records.issuePin(issue, now())), messageId: null }
      return reply.code(201).send({
        ...issued,
        validFrom: isoTime(issued.validFrom),
        validTo: isoTime(issued.validTo),
        createdAt: isoTime(issued.createdAt),
      })
    },
  )

  app.get(
    '/v1/contracts/:id/pins',
    {
      config: { scope: ['read', 'customers'] },
      schema: {
        tags,
        summary: "A contract's PINs, newest first",
        description: 'Never their digits: those are not kept.',
        params: IdParam('a contract'),
        querystring: Input({ ...PageQuery }),
        response: { 200: List(ref(Pin)), ...problems },
      },
    },
    async (request) => {
      const page = await records.pins(request.params.id, pageOf(request.query))
      if (page === null) throw notFound('contract')
      return { items: page.items.map(showPin), next: page.next }
    },
  )

  app.delete(
    '/v1/pins/:id',
    {
      config: { scope: 'customers' },
      schema: { tags, summary: 'Revoke a PIN', params: IdParam('a PIN'), response: { 204: NoContent, ...problems } },
    },
    async (request, reply) => {
      valueOf(await records.revokePin(request.params.id, now()))
      return reply.code(204).send(null)
    },
  )
}

function showContract(contract: Records.Contract) {
  return { ...contract, validFrom: isoTime(contract.validFrom), validTo: isoTime(contract.validTo) }
}

function showPin(pin: Records.PinRecord) {
  return {
    ...pin,
    validFrom: isoTime(pin.validFrom),
    validTo: isoTime(pin.validTo),
    createdAt: isoTime(pin.createdAt),
    revokedAt: isoTime(pin.revokedAt),
  }
}

/** Null takes a limit away; what is not given stays. */
function timeOrNull(text: string | null | undefined): number | null | undefined {
  return text === null || text === undefined ? text : instantOf(text)
}
