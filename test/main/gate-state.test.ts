import t from 'tap'
import type { Service } from '../../src/config.ts'
import { gateWarnings, tellGate } from '../../src/main/gate-state.ts'
import { flow, customerWithPin, monday, serviceWith, valueOf } from '../support/stories.ts'
import { limits, rules, testStore } from '../support/postgres.ts'

const serviceThat = (pin: Partial<Service['pin']['rules']>, changed: Partial<typeof limits> = {}): Service =>
  ({ country: 'DE', pin: { rules: { ...flow.pin, ...pin }, limits: { ...limits, ...changed } } }) as unknown as Service

function told() {
  const lines: string[] = []
  const say = (mark: string) => (text: string) => void lines.push(`${mark} ${text}`)
  return { lines, progress: { step: say('…'), done: say('✓'), warn: say('!') } }
}

t.test('an edited pforte.yaml shuts out who was let in before: the start says whom, and what to set', async (t) => {
  const store = await testStore(t, { customerNumberLength: 8 })
  await serviceWith(store, [])
  const { contract } = await customerWithPin(store.records, '48213')
  valueOf(await store.records.issuePin({ contractId: contract.id, pin: '70771' }, monday))
  const customer = { name: 'Lena Alt', numbers: [], language: 'de', timeZone: 'Europe/Berlin', customerNumber: '20260302' }
  valueOf(await store.records.createCustomer(customer, monday))
  t.strictSame(await gateWarnings(store, serviceThat({ customerNumberLength: 8 })), [], 'as it was, nobody is shut out')

  store.useRules({ ...rules, pinLength: 4, customerNumberLength: 6 })
  const { lines, progress } = told()
  await tellGate(store, serviceThat({ length: 4 }), progress)
  t.strictSame(lines, [
    '✓ PINs: 0 valid of 10000 possible; a random one is right with a chance of 0.000 %',
    '! 2 valid PINs are longer than pin.length (4) and cannot be typed any more: set it back, or issue new ones.',
    '! 1 customer number is longer than pin.customer_number_length (6) and cannot be typed: set it to 8.',
  ])
})

t.test('longer PINs from now on: the chance is still that of the short ones, and who must change is counted', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, [])
  const { contract } = await customerWithPin(store.records, '48213')
  store.useRules({ ...rules, pinLength: 8 })
  valueOf(await store.records.issuePin({ contractId: contract.id }, monday))
  const { lines, progress } = told()
  await tellGate(store, serviceThat({ length: 8 }), progress)
  t.strictSame(lines, [
    '✓ PINs: 2 valid, 1 of them among the 100000 of 5 digits; a random one of these is right with a chance of 0.001 %',
    '! 1 valid PIN is shorter than pin.length (8): such a PIN ends with # and is guessed as easily as before. Issue new ones, and revoke them.',
  ])
  const strict = serviceThat({ length: 8 }, { maxGuessChance: 0.000001, whenTooLikely: 'refuse_to_start' })
  await t.rejects(tellGate(store, strict, progress), { name: 'PartFailure', exitCode: 2, what: /among the 100000 of 5 digits/ })
})
