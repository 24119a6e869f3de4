import { Type } from 'typebox'
import { longestSlaMinutes, mostNumbers, priorities } from '../../domain/customer/limits.ts'
import { Input, Name, orNull, PhoneNumber, Time, TimeOrNull } from './common.ts'

const Language = Type.String({ format: 'language-tag', maxLength: 35 })
const TimeZone = Type.String({ format: 'time-zone', maxLength: 60 })

const Numbers = Type.Array(PhoneNumber, { maxItems: mostNumbers })
const CustomerNumber = (more: string) =>
  Type.String({
    pattern: '^[0-9]{4,12}$',
    description: `Typed beside the PIN once guessing has become likely, so no longer than pin.customer_number_length in pforte.yaml${more}`,
  })

export const NewCustomer = Input({
  name: Name,
  numbers: Type.Optional(Numbers),
  language: Type.Optional(Language),
  timeZone: Type.Optional(TimeZone),
  customerNumber: Type.Optional(CustomerNumber('; drawn where not given')),
})

export const CustomerChange = Input({
  name: Type.Optional(Name),
  numbers: Type.Optional(Numbers),
  language: Type.Optional(Language),
  timeZone: Type.Optional(TimeZone),
  customerNumber: Type.Optional(CustomerNumber('')),
})

export const Customer = Type.Object(
  {
    id: Type.String(),
    customerNumber: Type.String(),
    name: Type.String(),
    numbers: Type.Array(Type.String()),
    language: Type.String(),
    timeZone: Type.String(),
    createdAt: Time,
  },
  { $id: 'Customer' },
)

const Queue = (more: string) => Type.String({ minLength: 1, maxLength: 100, description: `A name from \`queues\` in pforte.yaml${more}` })
const Priority = (more: string) =>
  Type.Integer({ minimum: priorities.least, maximum: priorities.most, description: `The higher goes first${more}` })
const Hours = (more: string) =>
  Type.String({ minLength: 1, maxLength: 100, description: `\`always\`, or a name from \`hours\` in pforte.yaml${more}` })
const SlaMinutes = orNull(Type.Integer({ minimum: 1, maximum: longestSlaMinutes }))
const PinBySms = Type.Boolean({ description: "Whether new PINs may be sent to the customer's mobile phone" })

export const NewContract = Input({
  service: Name,
  queue: Type.Optional(Queue("; where not given: the line's first")),
  priority: Type.Optional(Priority('; 0 where not given')),
  hours: Type.Optional(Hours('; `always` where not given')),
  slaMinutes: Type.Optional(SlaMinutes),
  pinBySms: Type.Optional(PinBySms),
  validFrom: Type.Optional(TimeOrNull),
  validTo: Type.Optional(TimeOrNull),
})

export const ContractChange = Input({
  service: Type.Optional(Name),
  queue: Type.Optional(Queue('')),
  priority: Type.Optional(Priority('')),
  hours: Type.Optional(Hours('')),
  slaMinutes: Type.Optional(SlaMinutes),
  pinBySms: Type.Optional(PinBySms),
  validFrom: Type.Optional(TimeOrNull),
  validTo: Type.Optional(TimeOrNull),
})

export const Contract = Type.Object(
  {
    id: Type.String(),
    customerId: Type.String(),
    service: Type.String(),
    queue: Type.String(),
    priority: Type.Integer(),
    hours: Type.String(),
    slaMinutes: orNull(Type.Integer()),
    pinBySms: Type.Boolean(),
    validFrom: TimeOrNull,
    validTo: TimeOrNull,
  },
  { $id: 'Contract' },
)

export const NewPin = Input({
  pin: Type.Optional(Type.String({ pattern: '^[0-9]{3,12}$', description: 'Drawn at random where not given' })),
  sendBySms: Type.Optional(Type.Boolean({ description: "To the customer's mobile phone, if the contract allows it" })),
  validFrom: Type.Optional(TimeOrNull),
  validTo: Type.Optional(TimeOrNull),
})

export const IssuedPin = Type.Object(
  {
    id: Type.String(),
    contractId: Type.String(),
    pin: Type.Optional(Type.String({ description: 'This answer is the only one that ever contains it; not there if it went by SMS' })),
    messageId: orNull(Type.String({ description: 'The SMS that brings it' })),
    validFrom: TimeOrNull,
    validTo: TimeOrNull,
    createdAt: Time,
  },
  { $id: 'IssuedPin' },
)

export const Pin = Type.Object(
  {
    id: Type.String(),
    contractId: Type.String(),
    validFrom: TimeOrNull,
    validTo: TimeOrNull,
    createdAt: Time,
    revokedAt: TimeOrNull,
    messageId: orNull(Type.String({ description: 'The SMS that brought it to the customer' })),
  },
  { $id: 'Pin' },
)
