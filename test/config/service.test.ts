import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkFile, formatProblems, loadService, smppRouteFor, toDefinitions } from '../../src/config.ts'
import type { Service } from '../../src/config.ts'
import { writeWav } from '../../src/app/audio/wav.ts'
import { jsonSchemaText } from '../../src/config/schema/json-schema.ts'
import { ownEvent, ownEventNames } from '../../src/domain/sms/events.ts'
import { newCall, advance } from '../../src/domain/call/advance.ts'

const root = join(import.meta.dirname, '../..')
const now = Date.parse('2026-03-02T09:00:00Z')
const defaultText = readFileSync(join(root, 'pforte.yaml'), 'utf8')
const minimalText = readFileSync(join(import.meta.dirname, 'minimal.yaml'), 'utf8')
const statusLineText = readFileSync(join(import.meta.dirname, 'status-line.yaml'), 'utf8')

function load(text: string, at = now): Service {
  const loaded = loadService(text, { promptFolder: root, now: at })
  if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'pforte.yaml', text))
  return loaded.service
}

t.test('the hotline that Pforte comes with', async (t) => {
  const service = load(defaultText)

  t.test('is dialled by name or number, in German and in English', async (t) => {
    t.same(
      service.lines.map(({ name, flow, language }) => [name, flow, language]),
      [
        ['hotline', 'hotline', 'de'],
        ['hotline-en', 'hotline', 'en'],
      ],
    )
    t.same(service.languages, ['de', 'en'])
  })

  t.test('says everything in both languages', async (t) => {
    for (const [name, byLanguage] of Object.entries(service.prompts)) t.same(Object.keys(byLanguage), ['de', 'en'], name)
  })

  t.test('speaks no prompt that nobody hears', async (t) => {
    const heard = new Set([...Object.values(service.flows).flatMap(({ promptNames }) => promptNames), 'caller_gone', 'fallback'])
    t.same(
      Object.keys(service.prompts).filter((name) => !heard.has(name)),
      [],
    )
  })

  t.test('leads from every moment of the loop to the voicemail with #', async (t) => {
    const steps = service.flows.hotline?.flow.steps ?? {}
    for (const name of ['not_let_in', 'music', 'offer']) {
      const step = steps[name]
      t.equal(step !== undefined && 'then' in step && '#' in step.then && step.then['#'], 'voicemail', name)
    }
  })

  t.test('keeps a # that is typed behind the PIN out of the way to a human', async (t) => {
    const step = service.flows.hotline?.flow.steps.waiting
    t.equal(step?.kind, 'queue')
    t.notOk(step?.kind === 'queue' && step.then['#'])
  })

  t.test('counts in milliseconds', async (t) => {
    t.match(service.pin.rules, { length: 5, tries: 3, firstDigitMs: 7_000, betweenDigitsMs: 4_000, totalMs: 25_000 })
    t.match(service.pin.limits, { windowMs: 900_000, maxGuessChance: 0.01, whenTooLikely: 'customer_number' })
    t.match(service.queues[0], { name: 'support', ringMs: 20_000, maxWaitMs: 900_000, wrapUpMs: 20_000, priorityWeightMs: 60_000 })
    t.match(service.flows.hotline?.flow.steps.music, { kind: 'hold_music', forMs: 60_000 })
  })

  t.test('has office hours with the holidays of Baden-Württemberg for three years', async (t) => {
    const { business } = service.hours
    t.equal(business?.timeZone, 'Europe/Berlin')
    t.same(
      business?.weekly,
      [1, 2, 3, 4, 5].map((day) => ({ day, fromMinute: 480, toMinute: 1080 })),
    )
    t.ok(business?.holidays.includes('2026-06-04'), 'Corpus Christi, which Berlin does not have')
    t.ok(business?.holidays.includes('2028-04-14'), 'Good Friday two years on')
    t.notOk(business?.holidays.some((day) => day.startsWith('2029')))
  })

  t.test('shares agents between its queues, so one group decides', async (t) => {
    t.same(new Set(service.queues.map(({ group }) => group)), new Set(['support']))
    t.match(service.agents[0], { id: 'anna', endpoint: 'anna', queues: ['support', 'emergency'] })
  })

  t.test('can be walked from its first moment', async (t) => {
    const flow = service.flows.hotline?.flow
    if (flow === undefined) return t.fail('no flow')
    const { commands } = advance(flow, newCall('de'), { type: 'callArrived', at: now })
    t.same(
      commands.map(({ type }) => type),
      ['answer', 'readAnnouncement'],
    )
  })

  t.test('tells customers by SMS what happens, in one part each, and says how to have no more', async (t) => {
    const templates = Object.entries(service.sms?.templates ?? {})
    t.same(
      templates.map(([event]) => event).filter((event) => ownEvent(event) !== null),
      ownEventNames,
      'every event of ours has a message',
    )
    for (const [event, { wording }] of templates) {
      t.same(Object.keys(wording), ['de', 'en'], event)
      for (const { usual, worst } of Object.values(wording)) {
        t.match(usual, { coding: 'gsm7', parts: 1 }, event)
        t.ok(worst.parts <= 2, event)
      }
    }
    const { received, completed } = {
      received: service.sms?.templates['ticket.received'],
      completed: service.sms?.templates['ticket.completed'],
    }
    t.match(received, { isAnswer: false, tells: 'received', purpose: 'status', onUncertain: { is: 'leave' }, goodForMs: 4 * 86_400_000 })
    t.match(completed?.window, { fromMinute: 480, toMinute: 1200 })
    t.match(service.sms?.templates['voicemail.received'], { isAnswer: true, tells: 'received' })
    t.match(service.sms?.templates['payment.received'], {
      purpose: 'payment',
      data: ['amount', 'invoice'],
      onUncertain: { is: 'resend', afterMs: 600_000 },
    })
    t.match(service.sms?.templates['appointment.reminder'], { window: { fromMinute: 540, toMinute: 1080 }, goodForMs: 12 * 3_600_000 })
    t.match(service.sms?.purposes, { opt_out: { STOP: 'all', 'KEINE TERMINE': 'appointment' }, opt_in: { START: 'all' } })
    t.match(service.sms?.recipients, { countries: ['DE'], landlines: false })
    t.match(service.smpp.usual, { window: 10, ratePerSecond: null, bindMode: 'transceiver', idForm: 'as_sent', interfaceVersion: 0x34 })
  })

  t.test('is drawn by flow check', async (t) => {
    const { text, exitCode } = checkFile(defaultText, 'pforte.yaml', { promptFolder: root, now })
    t.equal(exitCode, 0)
    t.match(text, /## hotline \(lines hotline, hotline-en\)\n\n```mermaid\nflowchart /)
    t.match(text, /\| ticket\.received \| de \| 1 part, \d+ characters of GSM-7 \| no more \|\n/)
    t.match(
      text,
      /\| shipping\.sent \| en \| 1 part, \d+ characters of GSM-7 \| 2 parts, .*UCS-2, if \{data\.carrier\}, \{data\.tracking\} holds/,
    )
    const withEmoji = checkFile(defaultText.replace('Keine mehr: STOP', 'Keine mehr: STOP 👋'), 'pforte.yaml', { promptFolder: root, now })
    t.match(withEmoji.text, /\| opt_in\.confirmation \| de \| 1 part, \d+ characters of UCS-2 because of 👋 \(U\+1F44B\) \| no more \|\n/)
  })
})

t.test('the schema for editors is the one that validates', async (t) => {
  const file = join(root, 'pforte.schema.json')
  if (process.env.PFORTE_GOLDEN === 'write') writeFileSync(file, jsonSchemaText())
  t.equal(readFileSync(file, 'utf8'), jsonSchemaText(), 'to write it anew, run this test with PFORTE_GOLDEN=write')
  t.match(defaultText.split('\n')[0], 'yaml-language-server: $schema=./pforte.schema.json')
})

t.test('what is left out has a default', async (t) => {
  const { queues, pin, country, timeZone, tts, announcements } = load(minimalText)
  t.match(queues[0], { maxWaitMs: 0, wrapUpMs: 30_000, maxWaiting: 100, strategy: 'longest_idle', replaces: [] })
  t.match(pin, { rules: { length: 5, customerNumberLength: 6 }, limits: { perCallerStop: 20, slowDownMs: 2_000 } })
  t.same({ country, timeZone, tts, announcements }, { country: 'DE', timeZone: 'Europe/Berlin', tts: { command: null }, announcements: [] })
})

t.test('how long what is kept, and what the log shows', async (t) => {
  const day = 86_400_000
  const usual = { recordings: 90 * day, message_texts: 90 * day, numbers: 180 * day, tickets: 1095 * day }
  const others = { events: 30 * day, webhooks: 30 * day, audit: 365 * day }
  t.same(load(minimalText).retention, { ...usual, ...others })
  t.same(load(defaultText).retention, load(minimalText).retention, 'the file that comes with Pforte says what is usual')
  t.same(load(minimalText).logs, { numbers: 'masked' })
  const other = load(`${minimalText}\nretention: { recordings: 7d, message_texts: 48h, numbers: forever }\nlogs: { numbers: none }\n`)
  t.same(other.retention, { ...usual, ...others, recordings: 7 * day, message_texts: 2 * day, numbers: null })
  t.same(other.logs, { numbers: 'none' })
})

t.test('hashes tell what has changed', async (t) => {
  const before = load(minimalText)
  t.equal(load(`# a comment\n${minimalText}`).hash, before.hash, 'a comment changes nothing')

  const ring = load(minimalText.replace('ring: 20s', 'ring: 25s'))
  t.not(ring.hash, before.hash)
  t.not(ring.flows.gate?.hash, before.flows.gate?.hash, 'calls under way keep ringing as long as before')

  const text = load(minimalText.replace('Guten Tag.', 'Guten Morgen.'))
  t.not(text.flows.gate?.hash, before.flows.gate?.hash, 'another text is another flow')

  const written = load(`${minimalText}\n${statusLineText}`)
  t.not(written.hash, before.hash)
  t.equal(written.flows.gate?.hash, before.flows.gate?.hash, 'what is written by SMS is none of the flow')

  const name = load(minimalText.replace('name: Anna', 'name: Anne'))
  t.not(name.hash, before.hash)
  t.equal(name.flows.gate?.hash, before.flows.gate?.hash, 'who answers is none of the flow')
})

t.test('a file without a status line sends no SMS, and one with the least of it has every rule', async (t) => {
  const none = load(minimalText)
  t.equal(none.sms, null)
  t.match(none.smpp, { usual: { window: 10, concatenation: 'udh8', responseTimeoutMs: 30_000, ca: null }, routes: {} })

  const { sms } = load(`${minimalText}\nsms: { sender: Pforte, templates: { ticket.received: { de: Erhalten., en: Received. } } }\n`)
  t.match(sms, {
    timeZone: 'Europe/Berlin',
    recipients: { countries: ['DE'], landlines: false },
    rules: {
      caps: [{ most: 20, inMs: 86_400_000 }, { most: 60 }],
      answerCaps: [{ most: 20 }],
      strangerCaps: { perNumber: { most: 5 }, perLine: { most: 100, inMs: 3_600_000 }, inTotal: { most: 500 } },
      spreadMs: 600_000,
    },
    statusWords: { de: { completed: 'erledigt' }, en: { completed: 'completed' } },
    purposes: { opt_out: { STOP: 'all' }, opt_in: { START: 'all' } },
  })
  t.same(sms?.templates['ticket.received']?.window, { fromMinute: 480, toMinute: 1200, sundays: true, holidays: [] })
  t.match(sms?.templates['voicemail.received'], { event: 'voicemail.received', isAnswer: true }, 'a voicemail has the same words, at once')
  t.equal(sms?.templates['ticket.completed'], undefined, 'and what has no words is not sent')
})

t.test('delivery windows as they are written', async (t) => {
  const windowOf = (lines: string, ofTemplate = '') => {
    const template = `ticket.received: { ${ofTemplate} de: Erhalten., en: Received. }`
    const text = `${minimalText}\nsms:\n  sender: Pforte\n${lines}\n  templates:\n    ${template}\n    voicemail.received: { ${ofTemplate} de: Da., en: There. }\n`
    const { 'ticket.received': received, 'voicemail.received': voicemail } = load(text).sms?.templates ?? {}
    return { window: received?.window, isAnswer: voicemail?.isAnswer }
  }
  t.same(windowOf('  window: always').window, 'always')
  t.same(windowOf('  window: "00:00-24:00"').window, 'always', 'day and night is always')
  t.match(windowOf('  window: "00:00-24:00"\n  sundays: false').window, { fromMinute: 0, toMinute: 1440, sundays: false })
  t.match(windowOf('  window: 9:30 - 17:00').window, { fromMinute: 570, toMinute: 1020 })
  t.match(windowOf('  holidays: DE-BW').window, { holidays: /2026-06-04/ })
  t.same(windowOf('', 'window: always,'), { window: 'always', isAnswer: true })
  t.match(
    windowOf('', 'window: "10:00-12:00",'),
    { window: { fromMinute: 600, toMinute: 720 }, isAnswer: false },
    'an answer with a window waits for it',
  )
})

t.test('what is different at one of several carriers', async (t) => {
  const { smpp, sms } = load(`${minimalText}\n${statusLineText}`)
  t.match(smppRouteFor(smpp, 'SMSC.example.com'), { window: 20, ratePerSecond: 50, concatenation: 'sar', interfaceVersion: 0x34 })
  t.match(smppRouteFor(smpp, 'another.example.com'), { window: 20, ratePerSecond: null, concatenation: 'udh8' })
  t.equal(sms?.referenceBits, 16, 'all texts are cut as the one with the least room needs it')
  const sixteen = sms?.templates['ticket.received']?.wording.de?.worst
  t.match(sixteen, { parts: 1 })

  const folder = t.testdir({ 'ca.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' })
  const loaded = loadService(`${minimalText}\nsmpp: { ca: ca.pem }\n`, { promptFolder: folder, now })
  t.match(loaded, { ok: true, service: { smpp: { usual: { ca: /BEGIN CERTIFICATE/ } } } })
})

t.test('queues without a common agent are groups of their own', async (t) => {
  const three = minimalText
    .replace('  support:\n    ring: 20s', '  support: { ring: 20s }\n  sales: { replaces: [shop] }\n  repairs: {}')
    .replace(
      '    queues: [support]\n',
      '    queues: [support]\n  ben: { name: Ben, queues: [sales, repairs] }\n  eva: { name: Eva, queues: [repairs] }\n',
    )
  t.same(
    load(three).queues.map(({ name, group }) => [name, group]),
    [
      ['support', 'support'],
      ['sales', 'sales'],
      ['repairs', 'sales'],
    ],
  )
  const chain = load(three.replace('queues: [repairs]', 'queues: [repairs, support]'))
  t.same(new Set(chain.queues.map(({ group }) => group)), new Set(['support']))
})

t.test('what the store is told', async (t) => {
  const service = load(minimalText.replace('ring: 20s', 'ring: 20s\n    replaces: [old]'))
  const hashes = Object.fromEntries(Object.keys(service.prompts).map((name) => [name, { de: `${name}-de`, en: `${name}-en` }]))
  const definitions = toDefinitions(service, hashes)
  t.match(definitions, { hash: service.hash, replaces: { old: 'support' }, announcements: [] })
  t.equal(definitions.flows[0]?.hash, service.flows.gate?.hash)
  t.same(definitions.flows[0]?.prompts.welcome, { de: 'welcome-de', en: 'welcome-en' })
  t.throws(() => toDefinitions(service, {}), /was not made ready/)
})

t.test('a mistake that shows only later is told at its line', async (t) => {
  const loaded = loadService(minimalText, { promptFolder: root, now })
  if (!loaded.ok) return t.fail('not loaded')
  const problem = loaded.problemAt(['queues', 'support', 'ring'], 'too short', 'Make it longer.')
  t.same(problem, { line: 46, column: 11, message: 'too short', hint: 'Make it longer.' })
})

t.test('every kind of step and every key can be written', async (t) => {
  const text = `
country: AT
time_zone: Europe/Vienna
lines: { shop: { flow: shop, language: de } }
flows:
  shop:
    start: choose
    steps:
      choose:
        menu: choose
        wait: 3s
        tries: 2
        then: { '1': out, '*': choose, none: shut }
      out:
        transfer: '+4312345678'
        trunk: vienna
        ring: 45s
        then: { failed: ask }
      ask:
        collect_pin: choose
        asks: customer_number
        then: { right: shut, wrong: shut, none: shut, exhausted: shut }
      shut:
        opening_hours: weekend
        then: { open: queue, closed: end }
      queue:
        queue: desk
        then: { timeout: end, full: end, '#': end }
      end:
        hang_up: informed
prompts:
  choose: { de: Eins für den Verkauf. }
  caller_gone: { de: Aufgelegt. }
queues: { desk: { strategy: longest_idle } }
agents: { eva: { name: Eva, sip_account: eva-1, queues: [desk], skills: [wood] } }
hours:
  weekend:
    open: ['Sat,Sun 10:00-24:00', Fri-Mon 00:00-01:30]
    holidays: AT-9
    time_zone: Europe/London
pin: { length: 7, limits: { per_line: { alarm_after: 5 }, max_guess_chance: 0.5%, when_too_likely: refuse_to_start } }
tts: { command: [say, '{language}'] }
trunks: { vienna: { endpoint: trunk.vienna } }
sms:
  sender: '38600'
  senders: { US: '+12025550123' }
  window: "09:00-18:00"
  sundays: false
  holidays: AT-9
  time_zone: Europe/London
  spread: 0s
  good_for: 1d
  most_parts: 2
  countries: [AT, US]
  landlines: true
  caps:
    per_recipient: [{ most: 1, in: 1h }]
    answers: []
    strangers: { per_number: { most: 0, in: 1d }, per_line: { most: 9, in: 2h }, in_total: { most: 8, in: 3d } }
  on_uncertain: resend
  resend_after: 2m
  words: { opt_out: { all: [AUS] }, opt_in: { all: [EIN] }, status: [WIE STEHTS] }
  status_words: { received: { de: da }, in_progress: { de: dran }, completed: { de: fertig } }
  templates:
    status.reply: { de: '{ticket.number} {ticket.status} {ticket.since} {ticket.subject}' }
    wood.cut: { purpose: wood, window: always, sender: Holz, on_uncertain: leave, good_for: 5m, data: { metres: 4 }, de: '{data.metres} m' }
smpp: { window: 50, rate: 30, binds: 2, mode: pair, ids: either, concatenation: udh16, response_timeout: 5s, enquire_link: 10s, interface_version: '3.3', system_type: VMA, service_type: CMT, alphabet: latin1, validity: absolute, receipt_time_zone: Europe/Vienna }
`
  const service = load(text)
  t.match(service.flows.shop?.flow.steps, {
    choose: { kind: 'menu', prompts: ['choose'], waitMs: 3_000, tries: 2, then: { '1': 'out', '*': 'choose', none: 'shut' } },
    out: { kind: 'transfer', number: '+4312345678', trunk: 'vienna', ringMs: 45_000, then: { failed: 'ask' } },
    ask: { kind: 'collect_pin', asks: 'customer_number' },
    queue: { kind: 'queue', queue: 'desk', then: { '#': 'end' } },
  })
  t.match(service.agents[0], { id: 'eva', endpoint: 'eva-1', skills: ['wood'] })
  t.match(service.hours.weekend, { timeZone: 'Europe/London' })
  t.same(
    service.hours.weekend?.weekly.map(({ day, fromMinute, toMinute }) => `${day} ${fromMinute}-${toMinute}`),
    ['6 600-1440', '7 600-1440', '5 0-90', '6 0-90', '7 0-90', '1 0-90'],
  )
  t.match(service.pin.limits, { perLineAlarm: 5, maxGuessChance: 0.005, whenTooLikely: 'refuse_to_start' })
  t.same(service.tts.command, ['say', '{language}'])
  t.same(service.trunks, { vienna: { endpoint: 'trunk.vienna' } })
  t.match(service.sms, {
    timeZone: 'Europe/London',
    sender: '38600',
    senders: { US: '+12025550123' },
    recipients: { countries: ['AT', 'US'], landlines: true },
    rules: {
      caps: [{ most: 1, inMs: 3_600_000 }],
      answerCaps: [],
      strangerCaps: { perNumber: { most: 0 }, perLine: { most: 9 }, inTotal: { most: 8 } },
      spreadMs: 0,
    },
    mostParts: 2,
    words: { opt_out: ['AUS'], opt_in: ['EIN'], status: ['WIE STEHTS'] },
    statusWords: { de: { received: 'da', in_progress: 'dran', completed: 'fertig' } },
    templates: {
      'status.reply': { goodForMs: 3_600_000, onUncertain: { is: 'resend', afterMs: 120_000 }, purpose: null },
      'wood.cut': { purpose: 'wood', window: 'always', sender: 'Holz', onUncertain: { is: 'leave' }, goodForMs: 300_000, data: ['metres'] },
    },
  })
  t.same(service.smpp.usual, {
    window: 50,
    ratePerSecond: 30,
    binds: 2,
    bindMode: 'pair',
    interfaceVersion: 0x33,
    systemType: 'VMA',
    serviceType: 'CMT',
    idForm: 'either',
    concatenation: 'udh16',
    validity: 'absolute',
    sourceEncoding: 'latin1',
    receiptTimeZone: 'Europe/Vienna',
    ca: null,
    responseTimeoutMs: 5_000,
    enquireLinkMs: 10_000,
  })
})

t.test('a prompt may be an audio file beside pforte.yaml', async (t) => {
  const folder = t.testdir({ prompts: { 'welcome.wav': writeWav(new Int16Array(800).fill(1000), 8_000) } })
  const text = minimalText.replace('de: Guten Tag.', 'de: { file: prompts/welcome.wav }')
  const welcomeIn = (): Service['prompts'][string] => {
    const loaded = loadService(text, { promptFolder: folder, now })
    return (loaded.ok && loaded.service.prompts.welcome) || {}
  }
  const before = welcomeIn()
  t.match(before, { de: { file: join(folder, 'prompts/welcome.wav'), contentHash: /^[0-9a-f]{64}$/ }, en: { text: 'Hello.' } })
  writeFileSync(join(folder, 'prompts/welcome.wav'), writeWav(new Int16Array(800).fill(2000), 8_000))
  t.notSame(welcomeIn(), before, 'another recording under the same name is another prompt')
})
