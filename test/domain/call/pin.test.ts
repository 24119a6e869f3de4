/** Stories of the PIN gate. */
import t from 'tap'
import { typedForLookUp } from '../../../src/domain/call/steps/collect-pin.ts'
import { hotline } from './hotline.ts'
import { Story, askedForPin } from './story.ts'

t.test('a caller dials in, is welcomed and asked for the PIN', async (t) => {
  new Story(t)
    .arrives()
    .then('answer', 'readAnnouncement outage')
    .announcementIs(null)
    .then('play welcome')
    .hearsItOut()
    .then('play please_type_pin')
    .hearsItOut()
    .then('set first_digit to 6 s')
})

t.test('the right PIN leads straight to the queue of its contract', async (t) => {
  const call = askedForPin(t)
    .types('8')
    .then('stopPlaying', 'set total to 20 s', 'set between_digits to 4 s')
    .types('642')
    .types('0')
    .then('clear total', 'clear between_digits', 'lookUpPin', 'set slow_look_up to 0.3 s')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })

  call
    .pinIsRight()
    .then('clear slow_look_up', 'startMusic', 'enterQueue premium with priority 5', 'set max_wait to 600 s')
    .standsIn('wait', 'entering_queue')
    .went('outage:off', 'welcome:done', 'ask_pin:right', 'service_hours:open', 'wait:null')
  t.equal(typedForLookUp(call.state), null)
})

t.test('who knows the PIN types it into the welcome', async (t) => {
  const call = new Story(t)
    .arrives()
    .announcementIs(null)
    .types('8')
    .then('stopPlaying', 'set total to 20 s', 'set between_digits to 4 s')
    .standsIn('ask_pin', 'collecting')
    .types('6420')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })
})

t.test('digits typed while the announcement is still being looked up count, too', async (t) => {
  const call = new Story(t).arrives().types('86').announcementIs(null).types('420')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })
})

t.test('an entry typed ahead may end before its last key', async (t) => {
  new Story(t).arrives().types('8*###').announcementIs(null).hearsItOut().standsIn('music').triedPin(0)
  const call = new Story(t).arrives().types('8642099#').announcementIs(null).hearsItOut()
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })
})

t.test('a key that only skips the welcome is no entry', async (t) => {
  new Story(t).arrives().announcementIs(null).types('#').then('stopPlaying', 'play please_type_pin')
})

t.test('a wrong PIN is not correct, then the right one is', async (t) => {
  askedForPin(t)
    .types('11111')
    .pinIs({ is: 'wrong' })
    .then('clear slow_look_up', 'play not_correct')
    .triedPin(1)
    .hearsItOut()
    .then('play please_type_pin')
    .types('86420')
    .pinIsRight()
    .standsIn('wait')
})

t.test('the third wrong PIN uses up the tries: the loop without a PIN', async (t) => {
  askedForPin(t)
    .types('11111')
    .pinIs({ is: 'wrong' })
    .types('22222')
    .pinIs({ is: 'wrong' })
    .types('33333')
    .pinIs({ is: 'wrong' })
    .then('clear slow_look_up', 'startMusic', 'set music to 60 s')
    .standsIn('music')
    .triedPin(3)
})

t.test('a caller held by the limits hears exactly what a wrong PIN hears', async (t) => {
  const wrong = askedForPin(t)
  const limited = askedForPin(t)
  for (let attempt = 1; attempt <= hotline.pin.tries; attempt++) {
    wrong.types('11111').pinIs({ is: 'wrong' })
    limited.types('11111').pinIs({ is: 'limited' })
    t.same(limited.commands, wrong.commands)
  }
  t.same(limited.state.path, wrong.state.path)
  limited.standsIn('music')
})

t.test('nothing typed: into the loop, and no try is counted', async (t) => {
  askedForPin(t).hearsItOut().runsOut('first_digit').then('startMusic', 'set music to 60 s').triedPin(0)
})

t.test('an empty # is nothing typed', async (t) => {
  askedForPin(t).types('#').standsIn('music').triedPin(0)
})

t.test('# ends the entry early; what is short is looked up as typed and counts as a try', async (t) => {
  const call = askedForPin(t).types('864#')
  t.same(typedForLookUp(call.state), { pin: '864', customerNumber: null })
  call.pinIs({ is: 'wrong' }).standsIn('not_correct').triedPin(1)
})

t.test('a caller who stops typing is looked up with what there is', async (t) => {
  const call = askedForPin(t).types('864').runsOut('between_digits').then('clear total', 'lookUpPin', 'set slow_look_up to 0.3 s')
  t.same(typedForLookUp(call.state), { pin: '864', customerNumber: null })
})

t.test('slow digits: the whole entry has a limit of its own', async (t) => {
  askedForPin(t).types('8642', 3_900).runsOut('total').then('clear between_digits', 'lookUpPin', 'set slow_look_up to 0.3 s')
})

t.test('* clears the entry, and does not give more time in all', async (t) => {
  const call = askedForPin(t)
    .types('99*')
    .then(
      'stopPlaying',
      'set total to 19.6 s',
      'set between_digits to 3.6 s',
      'set between_digits to 3.8 s',
      'clear between_digits',
      'set first_digit to 6 s',
    )
  call.types('86420')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })

  askedForPin(t).types('99*').runsOut('first_digit').standsIn('music').triedPin(0)
  askedForPin(t).types('9*9*9*9*').runsOut('total').standsIn('music').triedPin(0)
})

t.test('letters, and what no keypad sends, are no digits', async (t) => {
  const call = askedForPin(t)
  for (const digit of ['A', 'B', 'C', 'D', '', '12', '٣', 'x', '\n']) {
    call.happens({ type: 'digitReceived', digit }).thenNothing()
  }
  call.types('86420')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })
})

t.test('digits beyond the length are late', async (t) => {
  const call = askedForPin(t).types('86420').types('99').thenNothing()
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: null })
  call.pinIsRight().types('99').thenNothing()
})

t.test('the database is away: music instead of silence, and nobody in without a look-up', async (t) => {
  askedForPin(t)
    .types('86420')
    .runsOut('slow_look_up')
    .then('startMusic')
    .standsIn('ask_pin', 'looking_up')
    .later(20_000)
    .pinIs({ is: 'wrong' })
    .then('stopMusic', 'play not_correct')
})

t.test('guessing has become likely: the customer number is asked beside the PIN', async (t) => {
  const call = askedForPin(t)
    .types('86420')
    .pinIs({ is: 'step_up' })
    .then('clear slow_look_up', 'play please_type_customer_number')
    .triedPin(0)
    .types('10002000')
  t.same(typedForLookUp(call.state), { pin: '86420', customerNumber: '10002000' })
  call.pinIsRight().standsIn('wait')
  t.equal(call.state.pinInHand, '')
})

t.test('tries count over PIN and customer number together', async (t) => {
  askedForPin(t)
    .types('11111')
    .pinIs({ is: 'wrong' })
    .types('86420')
    .pinIs({ is: 'step_up' })
    .types('10002000')
    .pinIs({ is: 'wrong' })
    .standsIn('not_correct')
    .types('86420')
    .pinIs({ is: 'step_up' })
    .types('10002000')
    .pinIs({ is: 'wrong' })
    .standsIn('music')
    .triedPin(3)
})

t.test('an answer to a look-up of an earlier visit is late', async (t) => {
  const call = askedForPin(t).types('11111')
  const visit = call.state.visit
  call.pinIs({ is: 'wrong' }).types('22222')
  call
    .happens({ type: 'pinChecked', visit, result: { is: 'wrong' } })
    .thenNothing()
    .triedPin(1)
})

t.test('the prompt cannot be played: the digits are awaited all the same', async (t) => {
  askedForPin(t).refused('play').then('set first_digit to 6 s').types('8').standsIn('ask_pin', 'collecting')
  askedForPin(t).hearsItOut(false).then('set first_digit to 6 s')
})

t.test('a timer of an earlier setting that fires late changes nothing', async (t) => {
  const call = askedForPin(t).types('8').types('6')
  call.happens({ type: 'timerFired', visit: call.state.visit, timer: 'first_digit' }).thenNothing()
  call.later(1_000).happens({ type: 'timerFired', visit: call.state.visit, timer: 'between_digits' }).thenNothing()
})
