/** Stories of waiting, ringing and talking. */
import t from 'tap'
import { hotline, minuteMs } from './hotline.ts'
import { Story, askedForPin, waiting } from './story.ts'

t.test('a free agent is rung at once and the two talk', async (t) => {
  const call = waiting(t)
    .thenNothing()
    .standsIn('wait', 'waiting')
    .later(7_000)
    .isOffered('anna', 1)
    .then('clear max_wait', 'ring agent-1 at PJSIP/anna', 'set ring to 20 s')
    .later(3_000)
    .answers('agent-1')
    .then('clear ring', 'connect agent-1')
    .standsIn('wait', 'talking')
  t.equal(call.state.agentId, 'anna')
  t.equal((call.state.connectedAt ?? 0) - (call.state.queuedSince ?? 0), 10_000)

  t.test('the agent hangs up', async (t) => {
    new Story(t, hotline, call.state)
      .ends('agent-1', 'hung_up')
      .then('releaseAgent anna of offer 1: conversation_ended', 'hangUp', 'end connected')
      .hasEnded('connected')
  })
  t.test('the caller hangs up', async (t) => {
    new Story(t, hotline, call.state)
      .later(60_000)
      .hangsUp()
      .then('hangUpLeg agent-1', 'releaseAgent anna of offer 1: conversation_ended', 'end connected')
      .went('outage:off', 'welcome:done', 'ask_pin:right', 'service_hours:open', 'wait:connected')
  })
  t.test('keys pressed while talking are between the two', async (t) => {
    new Story(t, hotline, call.state).types('12#').thenNothing()
  })
})

t.test('the agent is found before the queue has said that we are in it', async (t) => {
  askedForPin(t).types('86420').pinIsRight().isOffered('anna', 1).standsIn('wait', 'ringing').isInQueue().thenNothing()
})

t.test('no answer in time: the next agent, with the place kept', async (t) => {
  const call = waiting(t)
  const since = call.state.queuedSince
  call
    .isOffered('anna', 1)
    .runsOut('ring')
    .then('stopRinging agent-1', 'releaseAgent anna of offer 1: no_answer', 'set max_wait to 580 s')
    .standsIn('wait', 'waiting')
    .ends('agent-1', 'no_answer')
    .thenNothing()
    .isOffered('bert', 2)
    .ends('agent-2', 'rejected')
    .then('clear ring', 'releaseAgent bert of offer 2: rejected', 'set max_wait to 580 s')
    .isOffered('cora', 3)
    .ends('agent-3', 'busy')
    .isOffered('dora', 4)
    .refused('ring')
    .then('stopRinging agent-4', 'clear ring', 'releaseAgent dora of offer 4: unreachable', 'set max_wait to 580 s')
  t.equal(call.state.queuedSince, since)
})

t.test('a phone picked up and put down in one is a rejection', async (t) => {
  waiting(t)
    .isOffered('anna', 1)
    .ends('agent-1', 'hung_up')
    .then('clear ring', 'releaseAgent anna of offer 1: rejected', 'set max_wait to 600 s')
})

t.test('the longest wait is over', async (t) => {
  waiting(t).runsOut('max_wait').then('leaveQueue', 'stopMusic', 'play sorry_menu').standsIn('sorry')
})

t.test('a phone that rings at the end of the longest wait may still be answered', async (t) => {
  const ringing = waiting(t)
    .later(10 * minuteMs - 5_000)
    .isOffered('anna', 1)
    .later(6_000)
  new Story(t, hotline, ringing.state).answers('agent-1').standsIn('wait', 'talking')
  ringing
    .runsOut('ring')
    .then('stopRinging agent-1', 'releaseAgent anna of offer 1: no_answer', 'leaveQueue', 'stopMusic', 'play sorry_menu')
})

t.test('a second wait counts from its own beginning', async (t) => {
  const call = waiting(t)
    .runsOut('max_wait')
    .types('1')
    .then('stopPlaying', 'startMusic', 'enterQueue premium with priority 5', 'set max_wait to 600 s')
  t.equal(call.state.queuedSince, call.at)
})

t.test('# leaves the queue for the voicemail, while it rings too', async (t) => {
  waiting(t).types('#').then('leaveQueue', 'stopMusic', 'clear max_wait', 'play after_the_beep')
  waiting(t)
    .isOffered('anna', 1)
    .types('#')
    .then(
      'stopRinging agent-1',
      'releaseAgent anna of offer 1: caller_gone',
      'leaveQueue',
      'stopMusic',
      'clear ring',
      'play after_the_beep',
    )
    .answers('agent-1')
    .then('hangUpLeg agent-1')
})

t.test('the caller hangs up while it rings', async (t) => {
  waiting(t)
    .isOffered('anna', 1)
    .hangsUp()
    .then('stopRinging agent-1', 'releaseAgent anna of offer 1: caller_gone', 'leaveQueue', 'clear ring', 'end abandoned')
    .hasEnded('abandoned')
    .answers('agent-1')
    .then('tellCallerGone agent-1')
})

t.test('the caller hangs up before a word was said: the agent hears it', async (t) => {
  waiting(t)
    .isOffered('anna', 1)
    .answers('agent-1')
    .later(300)
    .hangsUp()
    .then('tellCallerGone agent-1', 'releaseAgent anna of offer 1: conversation_ended', 'end connected')
})

t.test('an agent offered too late is not kept', async (t) => {
  const released = 'releaseAgent bert of offer 2: caller_gone'
  waiting(t).isOffered('anna', 1).isOffered('bert', 2).then(released)
  waiting(t).isOffered('anna', 1).answers('agent-1').isOffered('bert', 2).then(released)
  waiting(t).runsOut('max_wait').isOffered('bert', 2).then(released)
  waiting(t).hangsUp().isOffered('bert', 2).then(released)
})

t.test('an offer told twice is one offer', async (t) => {
  waiting(t).isOffered('anna', 1).isOffered('anna', 1).thenNothing().answers('agent-1').isOffered('anna', 1).thenNothing()
})

t.test('a place that comes after the caller has gone is given up', async (t) => {
  askedForPin(t).types('86420').pinIsRight().hangsUp().isInQueue().then('leaveQueue')
})

t.test('the bridge does not come about: back to the old place, with music', async (t) => {
  const call = waiting(t).later(30_000).isOffered('anna', 1).answers('agent-1')
  call
    .refused('connect')
    .then(
      'hangUpLeg agent-1',
      'releaseAgent anna of offer 1: caller_gone',
      'startMusic',
      'enterQueue premium with priority 5',
      'set max_wait to 570 s',
    )
    .standsIn('wait', 'entering_queue')
  t.equal(call.state.connectedAt, null)
  t.equal(call.state.agentId, null)
  call.hangsUp().hasEnded('abandoned')
})

t.test('a contract whose queue has left the file is waited in all the same', async (t) => {
  askedForPin(t)
    .types('86420')
    .pinIsRight({ queue: 'orchids' })
    .then('clear slow_look_up', 'startMusic', 'enterQueue orchids with priority 5')
    .isOffered('anna', 1)
    .then('ring agent-1 at PJSIP/anna', 'set ring to 20 s')
})

t.test('a queue of the contract, for a caller without one, lets nobody in', async (t) => {
  new Story(t, { ...hotline, start: 'wait' }).arrives().standsIn('sorry').went('wait:full (no contract)', 'sorry:null')
})

t.test('a transfer to the emergency number', async (t) => {
  const call = waiting(t)
    .runsOut('max_wait')
    .types('2')
    .then('stopPlaying', 'startMusic', 'dial transfer-7 to +4962100000 over reserve', 'set ring to 30 s')

  t.test('is answered', async (t) => {
    new Story(t, hotline, call.state)
      .answers('transfer-7')
      .then('clear ring', 'connect transfer-7')
      .ends('transfer-7', 'hung_up')
      .then('hangUp', 'end connected')
  })
  t.test('is not answered', async (t) => {
    new Story(t, hotline, call.state).runsOut('ring').then('hangUpLeg transfer-7', 'stopMusic', 'play after_the_beep')
  })
  t.test('is busy, or refused', async (t) => {
    new Story(t, hotline, call.state).ends('transfer-7', 'busy').then('stopMusic', 'clear ring', 'play after_the_beep')
    new Story(t, hotline, call.state).refused('dial').then('hangUpLeg transfer-7', 'stopMusic', 'clear ring', 'play after_the_beep')
    new Story(t, hotline, call.state)
      .answers('transfer-7')
      .refused('connect')
      .then('hangUpLeg transfer-7', 'stopMusic', 'play after_the_beep')
      .hangsUp()
      .hasEnded('abandoned')
  })
  t.test('the caller hangs up, while it rings and while they talk', async (t) => {
    new Story(t, hotline, call.state).hangsUp().then('hangUpLeg transfer-7', 'clear ring', 'end abandoned')
    new Story(t, hotline, call.state).answers('transfer-7').hangsUp().then('hangUpLeg transfer-7', 'end connected')
  })
})
