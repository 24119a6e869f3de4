/**
 * `pforte.yaml` as one schema: the types in here, the validation at start and
 * `pforte.schema.json` for editors all come from it. Keys that nothing carries
 * out yet are not in it, so that nobody relies on them.
 */
import Type from 'typebox'
import type { Static } from 'typebox'
import { logs, retention } from './privacy.ts'
import { smpp } from './smpp.ts'
import { sms } from './sms.ts'
import { flow } from './steps.ts'
import { tickets } from './tickets.ts'
import { webhooks } from './webhooks.ts'
import {
  byLanguage,
  country,
  duration,
  holidayRegion,
  language,
  name,
  named,
  percent,
  phoneNumber,
  text,
  timeZone,
  whole,
} from './values.ts'

const closed = { additionalProperties: false }

export const line = Type.Object(
  {
    numbers: Type.Optional(
      Type.Array(phoneNumber('A number that callers dial.'), {
        maxItems: 200,
        description: 'The numbers that lead here, beside the name of the line itself, which SIP callers can dial.',
      }),
    ),
    flow: name('A name from `flows`.'),
    language: language('What is spoken on this line.'),
  },
  { ...closed, description: 'Where callers arrive.' },
)

const prompt = Type.Union(
  [
    text('Spoken by the voice.', { maxLength: 2000 }),
    Type.Object({ file: text('A WAV file of any rate, beside this file or below its folder.', { maxLength: 500 }) }, closed),
  ],
  {
    title: 'a text or a file',
    patternErrorMessage: 'Write the text itself, or { file: prompts/welcome.wav }.',
    description: 'A text that the voice speaks, or an audio file.',
  },
)

const promptByLanguage = byLanguage(prompt, 'The same words in each language that a line uses.')

export const queue = Type.Object(
  {
    strategy: Type.Optional(
      Type.Literal('longest_idle', {
        title: 'longest_idle',
        patternErrorMessage: 'Write strategy: longest_idle, the only one so far.',
        description: 'Who of the free agents is rung: the one who has been free for longest.',
        default: 'longest_idle',
      }),
    ),
    ring: Type.Optional(
      duration('How long a phone rings before the next agent is tried.', { atLeast: '5s', atMost: '2m', default: '20s' }),
    ),
    max_wait: Type.Optional(
      duration('How long callers wait before the step takes `timeout`. 0s: as long as they like.', {
        atLeast: '0s',
        atMost: '1d',
        default: '0s',
      }),
    ),
    max_waiting: Type.Optional(
      whole('How many may wait at once; further callers take `full`.', { minimum: 1, maximum: 10_000, default: 100 }),
    ),
    wrap_up: Type.Optional(
      duration('Time to write down what was said before the next call.', { atLeast: '0s', atMost: '1h', default: '30s' }),
    ),
    priority_weight: Type.Optional(
      duration("What one point of a contract's priority is worth in waiting time.", { atLeast: '0s', atMost: '1h', default: '1m' }),
    ),
    replaces: Type.Optional(
      Type.Array(name('A queue that this file does not have any more.'), {
        maxItems: 20,
        description: 'Former queues whose contracts and callers come here.',
        default: [],
      }),
    ),
  },
  { ...closed, description: 'Where callers wait for agents.' },
)

export const agent = Type.Object(
  {
    name: text('As the screen shows it.', { maxLength: 100 }),
    sip_account: Type.Optional(name('The user name of the phone; by default the name of this entry.')),
    queues: Type.Array(name('A name from `queues`.'), {
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
      description: 'Whose callers this agent takes.',
    }),
    skills: Type.Optional(
      Type.Array(name('What this agent is good at.'), {
        maxItems: 50,
        uniqueItems: true,
        description: 'Shown with the agent.',
        default: [],
      }),
    ),
  },
  { ...closed, description: 'A person with a phone. The password is drawn by Pforte: npx pforte agent password NAME.' },
)

export const hours = Type.Object(
  {
    open: Type.Array(
      Type.String({
        title: 'a line of opening hours',
        maxLength: 100,
        description: 'Such as Mon-Fri 08:00-18:00.',
        patternErrorMessage: 'Write days and times: Mon-Fri 08:00-18:00.',
      }),
      { minItems: 1, maxItems: 50, description: 'The week, one span a line.' },
    ),
    holidays: Type.Optional(holidayRegion('On the public holidays of this region it is closed all day.')),
    time_zone: Type.Optional(timeZone('By default the time_zone of this file.')),
  },
  { ...closed, description: 'Named weekly times.' },
)

const guessing = (what: string, slow: number, stop: number) =>
  Type.Object(
    {
      slow_after: Type.Optional(
        whole(`Wrong PINs ${what} before look-ups are slowed down.`, { minimum: 1, maximum: 1_000_000, default: slow }),
      ),
      stop_after: Type.Optional(
        whole(`Wrong PINs ${what} before it is "not correct", whatever is typed.`, { minimum: 1, maximum: 1_000_000, default: stop }),
      ),
    },
    closed,
  )

export const perCaller = guessing('of one caller number', 6, 20)
export const perTrunk = guessing('over one trunk', 200, 2000)
export const perLine = Type.Object(
  {
    alarm_after: Type.Optional(
      whole('Wrong PINs on one line before the alarm; from then on the customer number is asked too.', {
        minimum: 1,
        maximum: 1_000_000,
        default: 100,
      }),
    ),
  },
  closed,
)

export const pinLimits = Type.Object(
  {
    window: Type.Optional(duration('The time over which wrong PINs are counted.', { atLeast: '1m', atMost: '1d', default: '15m' })),
    slow_down: Type.Optional(
      duration('How long a slowed-down look-up takes at most; the first ones take less, each twice as long as the one before.', {
        atLeast: '0s',
        atMost: '10s',
        default: '2s',
      }),
    ),
    per_caller: Type.Optional(perCaller),
    per_trunk: Type.Optional(perTrunk),
    per_line: Type.Optional(perLine),
    max_guess_chance: Type.Optional(
      percent('The chance of a random guess (valid PINs / possible PINs) above which a PIN alone is not enough.', '1%'),
    ),
    when_too_likely: Type.Optional(
      Type.Union([Type.Literal('customer_number'), Type.Literal('refuse_to_start')], {
        title: 'customer_number or refuse_to_start',
        patternErrorMessage: 'Write when_too_likely: customer_number or refuse_to_start.',
        description: 'Beyond that chance: ask the customer number as well, or do not start until PINs are longer.',
        default: 'customer_number',
      }),
    ),
  },
  { ...closed, description: 'Guessing across calls: what slows it down and what raises the alarm.' },
)

export const pin = Type.Object(
  {
    length: Type.Optional(
      whole('Digits of a PIN. Those that are out keep theirs: longer ones cannot be typed any more, shorter ones end with #.', {
        minimum: 4,
        maximum: 12,
        default: 5,
      }),
    ),
    customer_number_length: Type.Optional(
      whole('Digits of a customer number. A longer one cannot be typed; a shorter one ends with #.', {
        minimum: 4,
        maximum: 12,
        default: 6,
      }),
    ),
    tries: Type.Optional(whole('Tries in one call.', { minimum: 1, maximum: 10, default: 3 })),
    first_digit: Type.Optional(
      duration('How long to wait for the first digit after the prompt.', { atLeast: '1s', atMost: '1m', default: '7s' }),
    ),
    between_digits: Type.Optional(duration('How long to wait for each further digit.', { atLeast: '1s', atMost: '30s', default: '4s' })),
    total: Type.Optional(duration('From the first digit to the last.', { atLeast: '3s', atMost: '2m', default: '25s' })),
    limits: Type.Optional(pinLimits),
  },
  { ...closed, description: 'What callers type at the gate.' },
)

const command = Type.Union(
  [text('One line for the shell.', { maxLength: 1000 }), Type.Array(Type.String({ maxLength: 1000 }), { minItems: 1, maxItems: 50 })],
  {
    title: 'a command',
    patternErrorMessage: 'Write one line, or a program with its arguments: [espeak-ng, -v, "{language}", --stdin, --stdout].',
    description:
      'Reads the text from standard input and writes a WAV file to standard output. {language} in an argument of a list stands for the language.',
  },
)

const trunk = Type.Object(
  {
    endpoint: Type.String({
      title: 'the name of an endpoint',
      pattern: '^[A-Za-z0-9_.-]{1,60}$',
      patternErrorMessage: 'Write the name of the endpoint in pjsip.conf.',
      description: "The trunk's endpoint in pjsip.conf of your Asterisk.",
    }),
  },
  { ...closed, description: 'A way out to the telephone network.' },
)

export const serviceFile = Type.Object(
  {
    country: Type.Optional(country("Callers' numbers without a country code are read as numbers of this country.", { default: 'DE' })),
    time_zone: Type.Optional(timeZone('Where the clock hangs that hours go by.', { default: 'Europe/Berlin' })),
    lines: named(line, 'The numbers that can be called.', { minProperties: 1 }),
    flows: named(flow, 'What happens to a call.', { minProperties: 1 }),
    prompts: named(promptByLanguage, 'What is spoken.'),
    queues: named(queue, 'Where callers wait. The first one is that of contracts which name none.', { minProperties: 1 }),
    agents: Type.Optional(named(agent, 'Who answers.')),
    hours: Type.Optional(named(hours, 'When somebody is there.')),
    pin: Type.Optional(pin),
    announcements: Type.Optional(
      Type.Array(name('An announcement that can be switched on.'), {
        maxItems: 50,
        uniqueItems: true,
        description: 'Switched on and off over the API, with text and end time.',
        default: [],
      }),
    ),
    tts: Type.Optional(Type.Object({ command }, { ...closed, description: 'Another voice than the one that Pforte brings.' })),
    trunks: Type.Optional(named(trunk, 'Ways out, for transfers.')),
    tickets: Type.Optional(tickets),
    sms: Type.Optional(sms),
    smpp: Type.Optional(smpp),
    retention: Type.Optional(retention),
    logs: Type.Optional(logs),
    webhooks: Type.Optional(webhooks),
  },
  { ...closed, title: 'Pforte: the definition of a service' },
)

/** What a valid file holds, as it is written: durations still texts, defaults still missing. */
export type ServiceFile = Static<typeof serviceFile>
export type WrittenFlow = Static<typeof flow>
