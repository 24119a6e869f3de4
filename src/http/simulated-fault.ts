/** Which fields go with which kind of fault at the simulated carrier, and what may stand in them. */
import type { Static } from 'typebox'
import type { SimulatedFault, Simulator } from './options.ts'
import { invalidField } from './problem.ts'
import type { NewFault } from './schemas/simulator.ts'

type Asked = Static<ReturnType<typeof NewFault>>
type Field = Exclude<keyof Asked, 'kind'>
type Kind = Asked['kind']

/** Which submit_sm it meets. */
const which: Field[] = ['to', 'next']

const fieldsOf: Record<Kind, { needs: Field[]; may: Field[] }> = {
  reject: { needs: ['status'], may: which },
  throttle: { needs: [], may: ['perSecond', ...which] },
  queue_full: { needs: [], may: which },
  drop: { needs: [], may: which },
  lose_response: { needs: [], may: which },
  delay: { needs: ['what', 'ms'], may: which },
  receipts: { needs: [], may: ['states', 'error', 'early', 'times', ...which] },
  malform: { needs: ['how', 'when'], may: which },
  disconnect: { needs: ['how', 'when'], may: which },
  mute: { needs: ['what'], may: [] },
  unbind: { needs: [], may: [] },
  refuse_bind: { needs: ['status'], may: ['next'] },
}

/** What the schema cannot say, because it depends on the kind. @throws ProblemError that names the field */
export function faultOf(asked: Asked, words: Simulator['words']): SimulatedFault {
  const { kind, ...fields } = asked
  const { needs, may } = fieldsOf[kind]
  const missing = needs.find((field) => fields[field] === undefined)
  if (missing !== undefined) throw invalidField('body', missing, `is missing for ${kind}`)
  const unknown = Object.keys(fields).find((field) => ![...needs, ...may].includes(field as Field))
  if (unknown !== undefined) {
    throw invalidField('body', unknown, `does not go with ${kind}; what does: ${[...needs, ...may].join(', ') || 'nothing'}`)
  }
  oneOf('what', fields.what, { delay: ['response', 'receipt'], mute: ['reads', 'answers'] }[kind as string])
  oneOf('how', fields.how, { disconnect: ['fin', 'rst'], malform: words.malformed }[kind as string])
  oneOf('when', fields.when, { disconnect: ['now', 'request'], malform: ['now', 'response'] }[kind as string])
  if (kind === 'malform' && typeof fields.when === 'object') throw invalidField('body', 'when', 'must be one of now, response')
  if (kind === 'refuse_bind' && typeof fields.status === 'number')
    throw invalidField('body', 'status', 'must be a name, such as ESME_RBINDFAIL')
  oneOf('status', fields.status, words.statuses)
  return asked
}

function oneOf(field: Field, value: unknown, allowed: readonly string[] | undefined): void {
  if (typeof value !== 'string' || allowed === undefined || allowed.includes(value)) return
  throw invalidField('body', field, `must be one of ${allowed.join(', ')}`)
}
