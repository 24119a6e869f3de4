import { Type } from 'typebox'
import { type Api, given, pageOf, problems, timeRange } from '../api.ts'
import { isoTime } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { callerFilter, requireE164 } from '../phone-number.ts'
import { invalidField, notFound, valueOf } from '../problem.ts'
import { IdParam, List, ListQuery, ref } from '../schemas/common.ts'
import { Customer, CustomerChange, NewCustomer } from '../schemas/customers.ts'
import type * as Records from '../../app/ports/records.ts'

const CustomerQuery = ListQuery({
  number: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'One of their phone numbers' })),
  customerNumber: Type.Optional(Type.String({ minLength: 1, maxLength: 12 })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'How the name begins, whatever its case' })),
})

/** Who the telco's customers are. */
export function customerRoutes(app: Api, { records, service, now }: HttpOptions): void {
  const tags = ['customers']

  /** In E.164; none twice. */
  const dialled = (numbers: readonly string[]): string[] => {
    const { country } = service()
    const read = numbers.map((number, index) => requireE164(number, country, 'body', `numbers.${index}`))
    const repeated = read.findIndex((number, index) => read.indexOf(number) < index)
    if (repeated !== -1) throw invalidField('body', `numbers.${repeated}`, 'is in the list twice')
    return read
  }

  app.post(
    '/v1/customers',
    {
      config: { scope: 'customers' },
      schema: { tags, summary: 'Create a customer', body: NewCustomer, response: { 201: ref(Customer), ...problems } },
    },
    async (request, reply) => {
      const { name, numbers = [], customerNumber } = request.body
      const { language = service().language, timeZone = service().timeZone } = request.body
      const customer = valueOf(
        await records.createCustomer(
          { name: name.trim(), numbers: dialled(numbers), language, timeZone, ...given({ customerNumber }) },
          now(),
        ),
      )
      return reply.code(201).header('location', `/v1/customers/${customer.id}`).send(showCustomer(customer))
    },
  )

  app.get(
    '/v1/customers',
    {
      config: { scope: ['read', 'customers'] },
      schema: { tags, summary: 'Customers, newest first', querystring: CustomerQuery, response: { 200: List(ref(Customer)), ...problems } },
    },
    async (request) => {
      const { number, customerNumber, name } = request.query
      const sought = number === undefined ? undefined : callerFilter(number, service().country)
      const filter = { ...given({ number: sought, customerNumber, name }), ...timeRange(request.query) }
      const page = await records.customers(filter, pageOf(request.query))
      return { items: page.items.map(showCustomer), next: page.next }
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

  app.patch(
    '/v1/customers/:id',
    {
      config: { scope: 'customers' },
      schema: {
        tags,
        summary: 'Change a customer',
        description: 'Only what is given changes. `numbers` are all that the customer has from now on.',
        params: IdParam('a customer'),
        body: CustomerChange,
        response: { 200: ref(Customer), ...problems },
      },
    },
    async (request) => {
      const { name, numbers, language, timeZone, customerNumber } = request.body
      const change = given({
        name: name?.trim(),
        numbers: numbers === undefined ? undefined : dialled(numbers),
        language,
        timeZone,
        customerNumber,
      })
      return showCustomer(valueOf(await records.changeCustomer(request.params.id, change, now())))
    },
  )
}

function showCustomer(customer: Records.Customer) {
  return { ...customer, createdAt: isoTime(customer.createdAt) }
}
