/**
 * The default pforte.yaml with shorter times, and with lines, queues and
 * agents enough that stories can happen side by side without meeting.
 */
import { parse, stringify } from 'yaml'
import { TRUNK } from '../../support/trunk.ts'

/** Each story that needs agents takes a team of its own: a queue that nobody else's callers wait in. */
export const TEAMS = 48
export const TEAM_SIZE = 3

export const queueOfTeam = (team: number): string => `team-${team}`
export const agentOfTeam = (team: number, place: number): string => `agent-${team}-${place}`

export const WRONG_PINS = { slowAfter: 3, slowDownMs: 2_000, stopAfter: 6, lineAlarmAfter: 40 }

/** Other lines than the default's: each with the same flow, but for what the story is about. */
export const LINES = {
  /** Has a special announcement of its own to switch on. */
  outage: 'mannheim',
  /** Music comes once at most. */
  forgetful: 'forgetful',
  /** Takes short messages only. */
  brief: 'brief',
  /** Takes three seconds of silence for the end. */
  hushed: 'hushed',
  /** Somebody guesses here until the alarm goes off. */
  guessed: 'guessed',
  /** Greets with an audio file. */
  recorded: 'recorded',
  /** For callers of whom nothing is known but the line they came by. */
  strangers: 'strangers',
  /** Offers keys ahead of the gate; one leads to a number outside. */
  menu: 'menu',
  /** Called by phones that are not ours. */
  foreign: 'foreign',
} as const

/** Queues whose callers are told that nobody is free: soon, or when somebody else waits already. */
export const IMPATIENT = 'impatient'
export const CROWDED = 'crowded'

/** Where the menu leads out. */
export const SALES = '+49621555200'

export const GREETING_FILE = 'greeting.wav'

type Yaml = Record<string, any>

export function definitionForStories(text: string): string {
  const service = parse(text) as Yaml
  const flow = service['flows']['hotline'] as Yaml
  flow['steps']['music']['hold_music'] = '2s'
  flow['steps']['outage']['pause'] = '1s'

  addLine(LINES.outage, (steps) => (steps['outage']['special_announcement'] = LINES.outage))
  addLine(LINES.forgetful, (steps) => (steps['music']['times'] = 1))
  addLine(LINES.recorded, (steps) => (steps['ask_pin']['collect_pin'] = 'greeting'))
  addLine(LINES.brief, (steps) => Object.assign(steps['voicemail'], { max: '6s', silence: '20s' }))
  addLine(LINES.hushed, (steps) => (steps['voicemail']['silence'] = '3s'))
  addLine(LINES.guessed)
  addLine(LINES.strangers)
  addLine(LINES.menu, (steps) => {
    Object.assign(steps['outage']['then'], { off: 'choose', pressed: 'choose' })
    steps['choose'] = { menu: 'choose', wait: '2s', tries: 2, then: { 1: 'ask_pin', 2: 'sales', none: 'ask_pin' } }
    steps['sales'] = { transfer: SALES, trunk: TRUNK, ring: '5s', then: { failed: 'offer' } }
  })
  addLine(LINES.foreign)
  service['trunks'] = { [TRUNK]: { endpoint: TRUNK } }
  service['announcements'].push(LINES.outage)
  service['prompts']['greeting'] = { de: { file: GREETING_FILE } }
  service['prompts']['choose'] = { de: 'Mit PIN drücken Sie bitte die Eins. Für den Verkauf drücken Sie die Zwei.' }
  service['queues'][IMPATIENT] = { max_wait: '2s' }
  service['queues'][CROWDED] = { max_waiting: 1 }

  for (let team = 0; team < TEAMS; team++) {
    service['queues'][queueOfTeam(team)] = { ring: '5s', max_wait: '0s', wrap_up: '0s' }
    for (let place = 0; place < TEAM_SIZE; place++) {
      service['agents'][agentOfTeam(team, place)] = { name: `Agent ${place} of team ${team}`, queues: [queueOfTeam(team)] }
    }
  }
  service['hours']['business']['open'] = [closedNow()]
  Object.assign(service['pin'], { first_digit: '5s', between_digits: '3s', total: '12s' })
  Object.assign(service['pin']['limits'], {
    slow_down: `${WRONG_PINS.slowDownMs}ms`,
    per_caller: { slow_after: WRONG_PINS.slowAfter, stop_after: WRONG_PINS.stopAfter },
    per_line: { alarm_after: WRONG_PINS.lineAlarmAfter },
  })
  return stringify(service)

  function addLine(name: string, change: (steps: Yaml) => void = () => {}): void {
    const changed = structuredClone(flow)
    change(changed['steps'])
    service['flows'][name] = changed
    service['lines'][name] = { flow: name, language: 'de' }
  }
}

/** A minute of the week that is three days away, whenever the tests run. */
function closedNow(): string {
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][(new Date().getUTCDay() + 3) % 7]
  return `${day} 03:00-03:01`
}
