/** Stories of calls that outlive the process. */
import t, { type Test } from 'tap'
import { typedForLookUp } from '../../../src/domain/call/steps/collect-pin.ts'
import { stateForRow, stateFromRow } from '../../../src/domain/call/state.ts'
import { hotline } from './hotline.ts'
import { Story, askedForPin, inTheLoop, waiting } from './story.ts'

t.test('in a prompt: it is spoken again', async (t) => {
  new Story(t)
    .arrives()
    .announcementIs(null)
    .restarts()
    .then('stopPlaying', 'stopMusic', 'play welcome')
    .happens({ type: 'playbackFinished', visit: 2, role: 'prompt', ok: true })
    .thenNothing()
    .standsIn('welcome')
    .went('outage:off', 'welcome:null')
})

t.test('while typing: asked again, with the tries kept and none counted', async (t) => {
  const call = askedForPin(t).types('11111').pinIs({ is: 'wrong' }).hearsItOut().types('864')
  call.restarts().then('stopPlaying', 'stopMusic', 'clear total', 'clear between_digits', 'play please_type_pin').triedPin(1)
  call.types('86420')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })
})

t.test('while the PIN is looked up', async (t) => {
  t.test('a new process has no digits and asks again', async (t) => {
    askedForPin(t).types('86420').runsOut('slow_look_up').restarts().then('stopPlaying', 'stopMusic', 'play please_type_pin').triedPin(0)
  })
  t.test('one that has lived still gets its answer', async (t) => {
    askedForPin(t).types('86420').reconnects().thenNothing().pinIsRight().standsIn('wait')
  })
})

t.test('while the customer number is asked: the PIN is gone, and is asked without counting', async (t) => {
  const call = askedForPin(t).types('11111').pinIs({ is: 'wrong' }).hearsItOut().types('86420').pinIs({ is: 'step_up' }).types('100')
  // Nobody hears that it was not correct.
  call
    .restarts()
    .then('stopPlaying', 'stopMusic', 'clear total', 'clear between_digits', 'play please_type_pin')
    .standsIn('ask_pin', 'collecting')
    .triedPin(1)
  t.equal(call.state.path.at(-2)?.outcome, 'PIN to be typed again')
  call.types('86420').pinIs({ is: 'step_up' }).standsIn('ask_customer_number').types('10002000')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: '10002000' })
  askedForPin(t).types('86420').pinIs({ is: 'step_up' }).reconnects().standsIn('ask_customer_number')
})

t.test('in the music: what was left of it is left', async (t) => {
  inTheLoop(t).later(40_000).restarts().then('clear music', 'startMusic', 'set music to 20 s').runsOut('music').standsIn('offer')
  inTheLoop(t).later(70_000).restarts().then('clear music', 'stopMusic', 'play voicemail_offer')
})

t.test('the turns of the music are not counted again', async (t) => {
  inTheLoop(t).restarts().restarts().restarts().restarts().standsIn('music', 'music')
})

t.test('in a menu: offered again, with the tries kept', async (t) => {
  const call = waiting(t).runsOut('max_wait').types('7').restarts().then('stopPlaying', 'stopMusic', 'play sorry_menu')
  call.types('7').standsIn('message')
})

t.test('in the outage announcement: read again, for it may be over', async (t) => {
  const call = new Story(t).arrives().announcementIs('text')
  call.restarts().then('stopPlaying', 'stopMusic', 'readAnnouncement outage').announcementIs(null).standsIn('welcome')
})

t.test('in the pause after it: what was left is left', async (t) => {
  new Story(t).arrives().announcementIs('text').hearsItOut().later(1_000).restarts().then('set pause to 3 s')
  new Story(t).arrives().announcementIs('text').hearsItOut().later(5_000).restarts().then('clear pause', 'hangUp', 'end informed')
})

t.test('waiting: music, the place and the longest wait', async (t) => {
  const call = waiting(t).later(60_000)
  const since = call.state.queuedSince
  call.restarts().then('startMusic', 'set max_wait to 540 s').standsIn('wait', 'waiting')
  t.equal(call.state.queuedSince, since)
  call.isOffered('anna', 1).then('clear max_wait', 'ring agent-1 at PJSIP/anna', 'set ring to 20 s')
  waiting(t).later(601_000).restarts().then('startMusic', 'leaveQueue', 'stopMusic', 'clear max_wait', 'play sorry_menu')
})

t.test('not yet in the queue: asked for the same place again', async (t) => {
  const call = askedForPin(t).types('86420').pinIsRight()
  const before = call.commands.find((command) => command.type === 'enterQueue')
  call.later(2_000).restarts().then('startMusic', 'enterQueue premium with priority 5', 'set max_wait to 598 s')
  t.same(
    call.commands.find((command) => command.type === 'enterQueue'),
    before,
  )
})

t.test('an agent is rung', async (t) => {
  const ringing = (t: Test) => waiting(t).isOffered('anna', 1).later(5_000)

  t.test('and still is', async (t) => {
    ringing(t)
      .restarts({ legs: [{ leg: 'agent-1', state: 'ringing' }] })
      .then('startMusic', 'set ring to 15 s')
      .answers('agent-1')
      .standsIn('wait', 'talking')
  })
  t.test('and has rung for long enough', async (t) => {
    ringing(t)
      .later(20_000)
      .restarts({ legs: [{ leg: 'agent-1', state: 'ringing' }] })
      .then('startMusic', 'stopRinging agent-1', 'clear ring', 'releaseAgent anna of offer 1: no_answer', 'set max_wait to 575 s')
  })
  t.test('and has answered meanwhile', async (t) => {
    ringing(t)
      .restarts({ legs: [{ leg: 'agent-1', state: 'up' }] })
      .then('clear ring', 'connect agent-1')
      .standsIn('wait', 'talking')
  })
  t.test('and rings no more', async (t) => {
    ringing(t)
      .restarts()
      .then('startMusic', 'clear ring', 'releaseAgent anna of offer 1: caller_gone', 'set max_wait to 595 s')
      .standsIn('wait', 'waiting')
  })
  t.test('and another phone rings for an earlier offer', async (t) => {
    ringing(t)
      .restarts({
        legs: [
          { leg: 'agent-1', state: 'ringing' },
          { leg: 'agent-9', state: 'ringing' },
        ],
      })
      .then('hangUpLeg agent-9', 'startMusic', 'set ring to 15 s')
  })
})

t.test('two talk', async (t) => {
  const talking = (t: Test) => waiting(t).isOffered('anna', 1).answers('agent-1').later(5_000)

  t.test('and notice nothing', async (t) => {
    talking(t)
      .restarts({ legs: [{ leg: 'agent-1', state: 'up' }], bridged: true })
      .thenNothing()
      .standsIn('wait', 'talking')
  })
  t.test('both are there but apart', async (t) => {
    talking(t)
      .restarts({ legs: [{ leg: 'agent-1', state: 'up' }] })
      .then('connect agent-1')
  })
  t.test('the agent has hung up meanwhile', async (t) => {
    talking(t).restarts().then('releaseAgent anna of offer 1: conversation_ended', 'hangUp', 'end connected').hasEnded('connected')
  })
  t.test('the caller has hung up meanwhile', async (t) => {
    talking(t)
      .restarts({ callerPresent: false, legs: [{ leg: 'agent-1', state: 'up' }] })
      .then('hangUpLeg agent-1', 'releaseAgent anna of offer 1: conversation_ended', 'end connected')
  })
})

t.test('a message is being spoken', async (t) => {
  const speaking = (t: Test) => inTheLoop(t).types('##').later(60_000)

  t.test('and the recording goes on', async (t) => {
    speaking(t)
      .restarts({ recordingLive: true })
      .then('set recording to 125 s')
      .recorded(80_000, 70_000)
      .then('keepVoicemail 5', 'set recording to 1 s')
      .listenedTo(true)
      .then('clear recording', 'play thanks')
  })
  t.test('and ended while nobody listened', async (t) => {
    speaking(t)
      .restarts()
      .then('clear recording', 'keepVoicemail 5', 'set recording to 1 s')
      .listenedTo(true)
      .then('clear recording', 'play thanks')
  })
  t.test('and the caller has gone', async (t) => {
    speaking(t).restarts({ callerPresent: false }).then('keepVoicemail 5', 'clear recording', 'end voicemail')
  })
  t.test('and has been for too long', async (t) => {
    speaking(t)
      .later(600_000)
      .restarts({ recordingLive: true })
      .then('stopRecording', 'clear recording', 'keepVoicemail 5', 'set recording to 1 s')
  })
  t.test('the greeting is spoken again', async (t) => {
    inTheLoop(t).types('#').restarts().then('stopPlaying', 'stopMusic', 'play after_the_beep')
  })
})

t.test('a transfer', async (t) => {
  const dialling = () => waiting(t).runsOut('max_wait').types('2').later(5_000)
  dialling()
    .restarts({ legs: [{ leg: 'transfer-7', state: 'ringing' }] })
    .then('startMusic', 'set ring to 25 s')
  dialling()
    .restarts({ legs: [{ leg: 'transfer-7', state: 'up' }] })
    .then('clear ring', 'connect transfer-7')
  dialling().restarts().then('stopMusic', 'clear ring', 'play after_the_beep')
  dialling()
    .later(30_000)
    .restarts({ legs: [{ leg: 'transfer-7', state: 'ringing' }] })
    .then('hangUpLeg transfer-7', 'stopMusic', 'clear ring', 'play after_the_beep')
  dialling()
    .answers('transfer-7')
    .restarts({ legs: [{ leg: 'transfer-7', state: 'up' }], bridged: true })
    .thenNothing()
})

t.test('a call that had not begun begins; one that is over stays over', async (t) => {
  new Story(t).restarts().then('answer', 'readAnnouncement outage')
  new Story(t).restarts({ callerPresent: false }).then('end abandoned')
  waiting(t)
    .hangsUp()
    .restarts({ legs: [{ leg: 'agent-1', state: 'up' }] })
    .then('hangUpLeg agent-1')
})

t.test('the process dies before it has written its last steps down: no name is given twice', async (t) => {
  const written = waiting(t)
  const died = new Story(t, hotline, written.state).types('##').standsIn('message', 'recording')
  written.restarts().types('##').standsIn('message', 'recording')
  t.not(written.state.visit, died.state.visit)
})

t.test('a row holds nothing typed, and one that is not ours is not read', async (t) => {
  const call = askedForPin(t).types('86420').pinIs({ is: 'step_up' }).types('97531')
  t.notMatch(JSON.stringify(stateForRow(call.state)), /86420|97531/)
  t.same(stateFromRow(JSON.parse(JSON.stringify(stateForRow(call.state)))), {
    ...call.state,
    nextVisit: call.state.nextVisit + 1_000,
    pinInHand: '',
    doing: { what: 'collecting', typed: '', prompting: false },
  })
  for (const row of [null, 7, 'x', [], {}, { rowVersion: 1 }, { ...stateForRow(call.state), rowVersion: 99 }]) {
    t.equal(stateFromRow(row), null)
  }
})
