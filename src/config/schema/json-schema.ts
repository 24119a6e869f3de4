import { serviceFile } from './service.ts'

/** For our own messages; editors know nothing of them. */
const ownKeywords = ['durationRange', 'keyTitle', 'keyHint']

/** The text of `pforte.schema.json`, which lets editors complete and check `pforte.yaml`. */
export function jsonSchemaText(): string {
  const schema = JSON.stringify(
    { $schema: 'http://json-schema.org/draft-07/schema#', ...serviceFile },
    (key, value: unknown) => (ownKeywords.includes(key) ? undefined : value),
    2,
  )
  return `${schema}\n`
}
