/** Stories of the loop without a PIN, of announcements, menus and opening hours. */
import t from 'tap'
import type { Flow } from '../../../src/domain/call/flow.ts'
import { pathLimit } from '../../../src/domain/call/turn.ts'
import { hotline, minuteMs, secondMs } from './hotline.ts'
import { Story, askedForPin, inTheLoop } from './story.ts'

t.test('music, the offer, music again', async (t) => {
  inTheLoop(t)
    .then('startMusic', 'set music to 60 s')
    .runsOut('music')
    .then('stopMusic', 'play voicemail_offer')
    .hearsItOut()
    .then('startMusic', 'set music to 60 s')
})

t.test('# at any moment of the loop leads to the voicemail', async (t) => {
  inTheLoop(t).types('#').then('stopMusic', 'clear music', 'play after_the_beep').standsIn('message')
  inTheLoop(t).runsOut('music').types('#').then('stopPlaying', 'play after_the_beep').standsIn('message')
  inTheLoop(t).runsOut('music').hearsItOut(false).types('#').then('clear pause', 'play after_the_beep')
})

t.test('other keys in the loop change nothing', async (t) => {
  inTheLoop(t).types('12*').thenNothing().runsOut('music').types('0').thenNothing().standsIn('offer')
})

t.test('the loop has a configured end', async (t) => {
  inTheLoop(t)
    .runsOut('music')
    .hearsItOut()
    .runsOut('music')
    .hearsItOut()
    .runsOut('music')
    .hearsItOut()
    .then('hangUp', 'end turned_away')
    .hasEnded('turned_away')
})

t.test('a loop without end keeps its path short: the beginning and the newest', async (t) => {
  const music = { ...hotline.steps.music, times: 0 } as Flow['steps'][string]
  const call = askedForPin(t, { ...hotline, steps: { ...hotline.steps, music } }).types('#')
  for (let round = 0; round < pathLimit; round++) call.runsOut('music').hearsItOut()
  t.equal(call.state.path.length, pathLimit)
  t.equal(call.state.path[0]?.step, 'outage')
  t.same(call.state.path.at(-1), { step: 'music', enteredAt: call.at, outcome: null })
})

t.test('an outage is announced ahead of the welcome', async (t) => {
  const call = new Story(t).arrives().announcementIs('text-of-the-outage').then('play #text-of-the-outage')

  t.test('whoever hears it out has been informed', async (t) => {
    new Story(t, hotline, call.state)
      .hearsItOut()
      .then('set pause to 4 s')
      .runsOut('pause')
      .then('hangUp', 'end informed')
      .hasEnded('informed')
      .went('outage:heard', 'goodbye:informed')
  })

  t.test('so has whoever hangs up after its end', async (t) => {
    new Story(t, hotline, call.state).hearsItOut().hangsUp().then('clear pause', 'end informed').went('outage:heard')
  })

  t.test('whoever hangs up in the middle has not', async (t) => {
    new Story(t, hotline, call.state).hangsUp().then('end abandoned').went('outage:hung_up')
  })

  t.test('a key goes on, and is not taken for a digit of the PIN', async (t) => {
    new Story(t, hotline, call.state).types('8').then('stopPlaying', 'play welcome')
    new Story(t, hotline, call.state).hearsItOut().types('8').then('clear pause', 'play welcome')
  })

  t.test('if it cannot be played nobody has been informed', async (t) => {
    new Story(t, hotline, call.state).refused('play').then('play welcome')
    new Story(t, hotline, call.state).hearsItOut(false).then('play welcome').hangsUp().hasEnded('abandoned')
  })
})

t.test('a welcome whose file is missing is gone past, with a breath', async (t) => {
  new Story(t).arrives().announcementIs(null).hearsItOut(false).then('set pause to 0.5 s').runsOut('pause').then('play please_type_pin')
})

t.test('a menu', async (t) => {
  const call = askedForPin(t).types('86420').pinIsRight().queueIsFull().then('stopMusic', 'clear max_wait', 'play sorry_menu')

  t.test('a key that is offered counts during the prompt', async (t) => {
    new Story(t, hotline, call.state).types('#').then('stopPlaying', 'play after_the_beep')
  })
  t.test('and after it', async (t) => {
    new Story(t, hotline, call.state).hearsItOut().then('set key to 5 s').types('1').standsIn('wait')
  })
  t.test('a key that is not offered uses up a try', async (t) => {
    new Story(t, hotline, call.state)
      .types('7')
      .then('stopPlaying', 'play sorry_menu')
      .types('7')
      .then('stopPlaying', 'play after_the_beep')
      .went('outage:off', 'welcome:done', 'ask_pin:right', 'service_hours:open', 'wait:full', 'sorry:none', 'message:null')
  })
  t.test('no key uses up a try', async (t) => {
    new Story(t, hotline, call.state)
      .hearsItOut()
      .runsOut('key')
      .then('play sorry_menu')
      .hearsItOut()
      .runsOut('key')
      .then('play after_the_beep')
  })
})

const night = Date.UTC(2026, 9, 5, 1, 0)

t.test('outside hours only contracts with 24-hour support get through', async (t) => {
  const atNight = (hours: string) =>
    askedForPin(t)
      .later(night - Date.UTC(2026, 9, 5, 8, 0))
      .types('86420')
      .pinIsRight({ hours })
  atNight('always').standsIn('wait')
  atNight('business')
    .standsIn('we_are_closed')
    .went('outage:off', 'welcome:done', 'ask_pin:right', 'service_hours:closed', 'we_are_closed:null')
})

t.test('hours that the file no longer knows refuse nobody', async (t) => {
  const call = askedForPin(t).types('86420').pinIsRight({ hours: 'harvest' }).standsIn('wait')
  t.equal(call.state.path[3]?.outcome, 'open (no hours named harvest)')
})

t.test('hours of a contract are closed to whoever has none', async (t) => {
  const steps: Flow['steps'] = { ...hotline.steps, outage: { ...hotline.steps.service_hours } as Flow['steps'][string] }
  new Story(t, { ...hotline, steps }).arrives().standsIn('we_are_closed')
})

t.test('in the loop for an hour, nobody has typed a thing', async (t) => {
  const call = inTheLoop(t)
  t.equal(call.state.timers.music, call.at + minuteMs)
  t.equal(call.later(30 * secondMs).hangsUp().state.endedAt, call.at)
  call.then('clear music', 'end abandoned').hasEnded('abandoned')
})
