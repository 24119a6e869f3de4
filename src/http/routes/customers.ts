import { type Api, NoContent, problems, validity } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { requireE164 } from '../phone-number.ts'
import { invalidField, notFound, valueOf } from '../problem.ts'
import { IdParam, ref } from '../schemas/common.ts'
import { Contract, Customer, IssuedPin, NewContract, NewCustomer, NewPin } from '../schemas/customers.ts'
import type * as Records from '../../app/ports/records.ts'

/** Customers, their contracts, and the PINs of those. */
export function customerRoutes(app: Api, { records, service, now }: HttpOptions): void {
  const tags = ['customers']

  app.post(
    '/v1/customers',
    {
      config: { scope: 'customers' },
      schema: { tags, summary: 'Create a customer', body: NewCustomer, response: { 201: ref(Customer), ...problems } },
    },
    async (request, reply) => {
      const { name, numbers = [], language, timeZone, customerNumber } = request.body
      const { country, ...defaults } = service()
      const dialled = numbers.map((number, index) => requireE164(number, country, 'body', `numbers.${index}`))
      const repeated = dialled.findIndex((number, index) => dialled.indexOf(number) < index)
      if (repeated !== -1) throw invalidField('body', `numbers.${repeated}`, 'is in the list twice')
      const customer = valueOf(
        await records.createCustomer(
          {
            name: name.trim(),
            numbers: dialled,
            language: language ?? defaults.language,
            timeZone: timeZone ?? defaults.timeZone,
            ...(customerNumber === undefined ? {} : { customerNumber }),
          },
          now(),
        ),
      )
      return reply.code(201).header('location', `/v1/customers/${customer.id}`).send(showCustomer(customer))
    },
  )

  app.get(
    '/v1/customers/:id',
    {
      config: { scope: ['read', 'customers'] },
      schema: { tags, summary: 'A customer', params: IdParam('a customer'), response: { 200: ref(Customer), ...problems } },
    },
    async (request) => {
      const customer = await records.customer(request.params.id)
      if (customer === null) throw notFound('customer')
      return showCustomer(customer)
    },
  )

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
      const facts = service()
      const { service: sold, queue = facts.queue, priority = 0, hours = 'always', slaMinutes = null } = request.body
      if (hours !== 'always' && !facts.hours.includes(hours)) {
        throw invalidField('body', 'hours', `must be one of ${['always', ...facts.hours].join(', ')} (from hours in pforte.yaml)`)
      }
      const contract = valueOf(
        await records.createContract(
          { customerId: request.params.id, service: sold.trim(), queue, priority, hours, slaMinutes, ...validity(request.body) },
          now(),
        ),
      )
      return reply.code(201).send(showContract(contract))
    },
  )

  app.post(
    '/v1/contracts/:id/pins',
    {
      config: { scope: 'customers' },
      schema: {
        tags,
        summary: 'Issue a PIN',
        description: 'The answer is the only one that ever contains the PIN.',
        params: IdParam('a contract'),
        body: NewPin,
        response: { 201: ref(IssuedPin), ...problems },
      },
    },
    async (request, reply) => {
      const { pin } = request.body
      const { validFrom, validTo } = validity(request.body)
      const issued = valueOf(
        await records.issuePin(
          {
            contractId: request.params.id,
            ...(pin === undefined ? {} : { pin }),
            ...(validFrom === null ? {} : { validFrom }),
            ...(validTo === null ? {} : { validTo }),
          },
          now(),
        ),
      )
      return reply.code(201).send({
        ...issued,
        validFrom: isoTime(issued.validFrom),
        validTo: isoTime(issued.validTo),
        createdAt: isoTime(issued.createdAt),
      })
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

function showCustomer(customer: Records.Customer) {
  return { ...customer, createdAt: isoTime(customer.createdAt) }
}

function showContract(contract: Records.Contract) {
  return { ...contract, validFrom: isoTime(contract.validFrom), validTo: isoTime(contract.validTo) }
}
