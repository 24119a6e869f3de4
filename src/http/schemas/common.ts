/** The pieces that all schemas are made of. */
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'

export const DEFAULT_PAGE = 50
export const LARGEST_PAGE = 200

/** Points to a schema that has an `$id`, so that OpenAPI shows one component instead of a copy in each route. */
export const ref = <T extends TSchema & { $id?: string }>(schema: T) => Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })

/** JSON Schema 2020-12 (and so OpenAPI 3.1) says null in `type`. Only for schemas of one basic type. */
export const orNull = <T extends TSchema>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [(schema as { type?: string }).type, 'null'] })

export const Id = (of: string) =>
  Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9][A-Za-z0-9_.:-]*$', description: `Id of ${of}` })
export const Uuid = (of: string) => Type.String({ format: 'uuid', description: `Id of ${of}` })
export const Time = Type.String({ format: 'date-time', description: 'ISO 8601 with zone' })
export const TimeOrNull = orNull(Time)
export const StringOrNull = orNull(Type.String())
export const MsOrNull = orNull(Type.Integer())
export const Name = Type.String({ minLength: 1, maxLength: 200, pattern: '[^\\s\\u0000-\\u001f\\u007f]' })
export const PhoneNumber = Type.String({
  minLength: 2,
  maxLength: 40,
  description: 'E.164; with spaces or without the country code is understood too',
})

/** A request's object: a field that it does not know is a mistake, never ignored. */
export const Input = <P extends TProperties>(properties: P, description?: string): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) })

export const IdParam = (of: string) => Type.Object({ id: Uuid(of) })
export const LooseIdParam = (of: string) => Type.Object({ id: Id(of) })

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LARGEST_PAGE, description: `How many; ${DEFAULT_PAGE} where not given` })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: '`next` of the page before' })),
}
const TimeQuery = { from: Type.Optional(Time), to: Type.Optional(Time) }

export const ListQuery = <P extends TProperties>(filters: P) => Input({ ...filters, ...TimeQuery, ...PageQuery })

export const List = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: orNull(Type.String({ description: 'Cursor of the next page' })) })
