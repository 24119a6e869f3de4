/**
 * The kinds of step, as `pforte.yaml` writes them: the kind is the key and its
 * value is what the step is about (`hold_music: 1m`). The first key of each
 * schema is that kind; everything that tells steps apart relies on it.
 */
import Type from 'typebox'
import type { StepKind } from '../../domain/call/flow.ts'
import { duration, name, named, phoneNumber, promptNames, whole } from './values.ts'

const closed = { additionalProperties: false }
const to = (description: string) => name(`The step that comes ${description}.`)
const hash = Type.Optional(to('when # is pressed'))

export const announce = Type.Object(
  {
    announce: promptNames('What is spoken. A digit interrupts it and counts for the step that follows.'),
    then: Type.Object({ done: to('when all is spoken'), '#': hash }, closed),
  },
  { ...closed, title: 'announce', description: 'Speaks prompts.' },
)

export const specialAnnouncement = Type.Object(
  {
    special_announcement: name('Which announcement; switched on and off over the API while Pforte runs.'),
    pause: Type.Optional(
      duration('How long a caller may think after it before the call goes on to `heard`.', { atLeast: '0s', atMost: '2m', default: '4s' }),
    ),
    then: Type.Object(
      {
        off: to('when the announcement is switched off'),
        pressed: to('when the caller presses any key to go on'),
        heard: to('when it was heard to its end and no key pressed'),
      },
      closed,
    ),
  },
  { ...closed, title: 'special_announcement', description: 'Speaks an announcement (an outage, say) while it is switched on.' },
)

export const collectPin = Type.Object(
  {
    collect_pin: promptNames('What is spoken while digits are already taken.'),
    asks: Type.Optional(
      Type.Union([Type.Literal('pin'), Type.Literal('customer_number')], {
        title: 'pin or customer_number',
        patternErrorMessage: 'Write asks: pin or asks: customer_number.',
        description: 'What the digits are. The customer number is asked beside the PIN once guessing has become likely.',
        default: 'pin',
      }),
    ),
    then: Type.Object(
      {
        right: to('when the PIN is right'),
        wrong: to('when it is wrong and there are tries left'),
        none: to('when nothing is typed'),
        exhausted: to('when the tries are used up'),
        step_up: Type.Optional(to('when the PIN alone is not enough at the moment')),
      },
      closed,
    ),
  },
  { ...closed, title: 'collect_pin', description: 'Asks for the PIN and looks it up.' },
)

export const holdMusic = Type.Object(
  {
    hold_music: duration('How long the music plays.', { atLeast: '1s', atMost: '1h' }),
    times: Type.Optional(
      whole('How often a call may come here; after that `exhausted` comes. 0: without end.', { minimum: 0, maximum: 10_000, default: 0 }),
    ),
    then: Type.Object(
      { done: to('when the time is over'), '#': hash, exhausted: Type.Optional(to('when it was entered as often as `times` allows')) },
      closed,
    ),
  },
  { ...closed, title: 'hold_music', description: 'Plays music.' },
)

export const menu = Type.Object(
  {
    menu: promptNames('What is spoken, with the keys there are.'),
    wait: Type.Optional(duration('How long to wait for a key after that.', { atLeast: '1s', atMost: '1m', default: '5s' })),
    tries: Type.Optional(
      whole('How often it is spoken to a caller who presses nothing that fits.', { minimum: 1, maximum: 10, default: 3 }),
    ),
    then: Type.Intersect([
      Type.Object({ none: to('when nothing that fits is pressed') }),
      Type.Record(Type.String({ pattern: '^([0-9*#]|none)$' }), to('when this key is pressed'), {
        ...closed,
        keyTitle: 'a key of the phone',
        keyHint: "Write the keys in quotes: '0' to '9', '*', '#'; and none.",
      }),
    ]),
  },
  { ...closed, title: 'menu', description: 'Lets the caller choose by one key.' },
)

export const openingHours = Type.Object(
  {
    opening_hours: name('A name from `hours`, or `contract`: what the contract of this caller includes.'),
    then: Type.Object({ open: to('within these hours'), closed: to('outside of them') }, closed),
  },
  { ...closed, title: 'opening_hours', description: 'Goes by the clock.' },
)

export const queue = Type.Object(
  {
    queue: name('A name from `queues`, or `contract`: the queue of the contract of this caller.'),
    then: Type.Object(
      {
        timeout: to('when `max_wait` of the queue is over'),
        full: to('when as many wait as `max_waiting` allows'),
        '#': hash,
      },
      closed,
    ),
  },
  { ...closed, title: 'queue', description: 'Waits with music for an agent and talks to them.' },
)

export const voicemail = Type.Object(
  {
    voicemail: promptNames('What is spoken before the beep.'),
    max: Type.Optional(duration('The longest message.', { atLeast: '5s', atMost: '30m', default: '3m' })),
    silence: Type.Optional(duration('Silence that ends the message.', { atLeast: '1s', atMost: '1m', default: '5s' })),
    then: Type.Object({ left: to('when there is a message'), empty: to('when nothing was said') }, closed),
  },
  { ...closed, title: 'voicemail', description: 'Records a message and makes it a ticket.' },
)

export const transfer = Type.Object(
  {
    transfer: phoneNumber('The number that is called.'),
    trunk: name('A name from `trunks`: the way out.'),
    ring: Type.Optional(duration('How long it rings there.', { atLeast: '5s', atMost: '3m', default: '30s' })),
    then: Type.Object({ failed: to('when nobody answers there') }, closed),
  },
  { ...closed, title: 'transfer', description: 'Calls a number outside and connects the caller.' },
)

export const hangUp = Type.Object(
  {
    hang_up: Type.Union([Type.Literal('informed'), Type.Literal('turned_away')], {
      title: 'informed or turned_away',
      patternErrorMessage: 'Write hang_up: informed (heard what they needed) or hang_up: turned_away.',
      description: 'What the call counts as when it ends here, unless more has happened (a voicemail was left).',
    }),
  },
  { ...closed, title: 'hang_up', description: 'Ends the call.' },
)

export const stepSchemas = {
  announce,
  special_announcement: specialAnnouncement,
  collect_pin: collectPin,
  hold_music: holdMusic,
  menu,
  opening_hours: openingHours,
  queue,
  voicemail,
  transfer,
  hang_up: hangUp,
} as const satisfies Record<StepKind, unknown>

export const stepKinds = Object.keys(stepSchemas) as StepKind[]

export const step = Type.Union(
  [announce, specialAnnouncement, collectPin, holdMusic, menu, openingHours, queue, voicemail, transfer, hangUp],
  {
    title: 'a step',
    patternErrorMessage: `A step begins with its kind: ${stepKinds.join(', ')}.`,
    description: 'One step of the call: its kind as the first key, and `then` with the ways out.',
  },
)

export const flow = Type.Object(
  {
    start: name('The step that a call begins with.'),
    steps: named(step, 'The steps by name, in any order.', { minProperties: 1 }),
  },
  { ...closed, description: 'What happens to a call, as steps and the ways between them.' },
)
