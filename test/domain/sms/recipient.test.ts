import t from 'tap'
import fc from 'fast-check'
import { chooseRecipient, refusalOf, type NumberFacts, type RecipientRules } from '../../../src/domain/sms/recipient.ts'

const rules: RecipientRules = { countries: ['DE', 'AT', 'US'], landlines: false }
const mobile: NumberFacts = { number: '+491701234567', country: 'DE', type: 'mobile', valid: true }
const office: NumberFacts = { number: '+49621555100', country: 'DE', type: 'landline', valid: true }
const viennese: NumberFacts = { number: '+436641234567', country: 'AT', type: 'mobile', valid: true }

t.test('a message goes to the phone that called', async (t) => {
  t.same(chooseRecipient(mobile, [viennese], rules), { to: mobile, of: 'caller' })
})

t.test("who called from the office gets it on the first of the customer's mobile phones", async (t) => {
  t.same(chooseRecipient(office, [office, viennese, mobile], rules), { to: viennese, of: 'customer' })
  t.same(chooseRecipient(null, [mobile], rules), { to: mobile, of: 'customer' }, 'and so who withheld the number')
})

t.test('a customer with nothing but a landline gets none, and it says why', async (t) => {
  t.same(chooseRecipient(office, [office], rules), { refusal: 'landline' })
  t.same(chooseRecipient(null, [office], rules), { refusal: 'landline' })
  t.same(chooseRecipient(null, [], rules), { refusal: 'no_number' })
  t.same(chooseRecipient(office, [], { ...rules, landlines: true }), { to: office, of: 'caller' }, 'where landlines are tried')
})

t.test('what is refused, and under which name', async (t) => {
  const refused = (facts: Partial<NumberFacts>): string | null => refusalOf({ ...mobile, ...facts }, rules)
  t.equal(refused({}), null)
  t.equal(refused({ number: '+4911', valid: false }), 'invalid_number', 'too short')
  t.equal(refused({ country: null }), 'invalid_number')
  t.equal(refused({ country: 'LV' }), 'foreign', 'where pumping pays')
  t.equal(refused({ number: '+499001234567', type: 'other' }), 'no_mobile', 'a premium number')
  t.equal(refused({ country: 'US', type: 'mobile_or_landline' }), null, 'a plan that does not tell them apart')
})

const anyFacts = fc.record<NumberFacts>({
  number: fc.constantFrom('+491701234567', '+4962155', '+3712', '+12025550123'),
  country: fc.constantFrom('DE', 'LV', 'US', null),
  type: fc.constantFrom('mobile', 'landline', 'mobile_or_landline', 'other'),
  valid: fc.boolean(),
})
t.test('whoever is chosen can take it; if nobody is, nobody could', async () => {
  fc.assert(
    fc.property(fc.option(anyFacts), fc.array(anyFacts), fc.boolean(), (caller, ofCustomer, landlines) => {
      const choice = chooseRecipient(caller, ofCustomer, { ...rules, landlines })
      if ('to' in choice) return refusalOf(choice.to, { ...rules, landlines }) === null
      return [caller, ...ofCustomer].every((facts) => refusalOf(facts, { ...rules, landlines }) !== null)
    }),
  )
})
