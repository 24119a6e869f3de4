import t from 'tap'
import { senderFor, wordingFor, type SmsDefinition, type SmsTemplate, type Wording } from '../../../src/domain/sms/definition.ts'
import { ownEvent, ownEventNames } from '../../../src/domain/sms/events.ts'
import { languageFor } from '../../../src/domain/sms/language.ts'
import { ticketPlaceholders, ticketValues, type TicketFacts } from '../../../src/domain/sms/ticket-words.ts'
import { ticketStatuses } from '../../../src/domain/ticket/status.ts'

t.test('people are written to in their language, or one they may know', async (t) => {
  t.equal(languageFor('en', ['de', 'en']), 'en')
  t.equal(languageFor('de-AT', ['en', 'de']), 'de')
  t.equal(languageFor('de', ['en', 'de-CH']), 'de-CH')
  t.equal(languageFor('fr', ['de', 'en']), 'de', 'the first one there is')
  t.equal(languageFor(null, ['de', 'en']), 'de')
  t.equal(languageFor('de', []), null)
})

t.test('a template that lacks the language of the house speaks another', async (t) => {
  const wording = { template: [] } as unknown as Wording
  const template = { wording: { en: wording, fr: wording } } as unknown as SmsTemplate
  t.match(wordingFor(template, 'fr', ['de', 'en']), { language: 'fr' })
  t.match(wordingFor(template, 'pl', ['de', 'fr', 'en']), { language: 'fr' }, 'the first of the lines that it has')
  t.equal(wordingFor({ ...template, wording: {} }, 'de', ['de']), null)
})

t.test("a country's own sender goes before the template's, and that before the usual one", async (t) => {
  const definition = { sender: 'Pforte', senders: { US: '+12025550123' } } as unknown as SmsDefinition
  const shipping = { sender: 'Versand' } as SmsTemplate
  const plain = { sender: null } as SmsTemplate
  t.equal(senderFor(definition, shipping, 'DE'), 'Versand')
  t.equal(senderFor(definition, shipping, 'US'), '+12025550123', 'letters do not get through there')
  t.equal(senderFor(definition, plain, 'DE'), 'Pforte')
  t.equal(senderFor(definition, plain, null), 'Pforte')
})

const words = { received: 'eingegangen', in_progress: 'in Arbeit', completed: 'erledigt' }
const ticket: TicketFacts = {
  number: '10005',
  subject: 'Störung in Mannheim',
  status: 'in_progress',
  sinceAt: Date.parse('2026-03-02T09:15:00Z'),
}

t.test('what a message says of a ticket, on the clock of who reads it', async (t) => {
  t.match(ticketValues(ticket, 'de', 'Europe/Berlin', words), {
    'ticket.number': '10005',
    'ticket.status': 'in Arbeit',
    'ticket.since': /^2\. März\W+10:15$/,
    'ticket.subject': 'Störung in Mannheim',
  })
  t.match(ticketValues(ticket, 'en', 'America/New_York', null), { 'ticket.since': /^2 Mar\W+04:15$/ })
  t.notOk('ticket.status' in ticketValues(ticket, 'en', 'UTC', null), 'without words for it there is none')
})

t.test('no value is longer than was declared when the template was checked', async (t) => {
  for (const language of ['de', 'en', 'fr', 'pl', 'tr']) {
    const placeholders = ticketPlaceholders(language, words)
    for (let month = 0; month < 12; month++) {
      for (const status of ticketStatuses) {
        const values = ticketValues(
          { ...ticket, status, number: '4294967295', sinceAt: Date.UTC(2027, month, 28, 22, 59) },
          language,
          'UTC',
          words,
        )
        t.same(Object.keys(values), Object.keys(placeholders))
        for (const [name, value] of Object.entries(values)) {
          const placeholder = placeholders[name]
          if (placeholder !== undefined && 'longest' in placeholder) t.ok(value.length <= placeholder.longest.length, `${language} ${name}`)
        }
      }
    }
  }
})

t.test('only answers go out at night, and only what was asked for passes an opt-out', async (t) => {
  t.same(
    ownEventNames.filter((name) => ownEvent(name)?.isAnswer),
    ['voicemail.received', 'status.reply', 'status.no_ticket', 'opt_out.confirmation', 'opt_in.confirmation'],
  )
  t.same(
    ownEventNames.filter((name) => ownEvent(name)?.purpose === null),
    ['status.reply', 'status.no_ticket', 'opt_out.confirmation', 'opt_in.confirmation'],
  )
  t.equal(ownEvent('payment.received'), null)
  t.equal(ownEvent('constructor'), null)
})
