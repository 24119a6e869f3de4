import type { Static, TObject } from 'typebox'

/**
 * What is written, with the schema's defaults for what is not: one level deep.
 * Keys that may be missing and have no default are to be read from what is written.
 */
export function filled<T extends TObject>(schema: T, written: Static<T> | undefined): Required<Static<T>> {
  const defaults = Object.entries(schema.properties).flatMap(([key, value]) => ('default' in value ? [[key, value.default] as const] : []))
  return { ...Object.fromEntries(defaults), ...(written as object) } as Required<Static<T>>
}
