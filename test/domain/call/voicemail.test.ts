/** Stories of the voicemail, and of hanging up. */
import t from 'tap'
import { hotline } from './hotline.ts'
import { Story, askedForPin, inTheLoop, waiting } from './story.ts'

const recording = 'record up to 180 s or 5 s of silence'

t.test('a message is left', async (t) => {
  const call = inTheLoop(t)
    .types('#')
    .hearsItOut()
    .then(recording, 'set recording to 185 s')
    .recorded(12_000, 10_000)
    .then('keepVoicemail 5', 'set recording to 1 s')
    .listenedTo(true)
    .then('clear recording', 'play thanks')
  t.equal(call.state.voicemailVisit, 5)
  call
    .hearsItOut()
    .then('hangUp', 'end voicemail')
    .hasEnded('voicemail')
    .went('outage:off', 'welcome:done', 'ask_pin:none', 'music:#', 'message:left', 'thanks:done', 'goodbye:voicemail')
})

t.test('# in the greeting starts the recording at once; other keys do not', async (t) => {
  inTheLoop(t).types('#').types('15').thenNothing().types('#').then('stopPlaying', recording, 'set recording to 185 s')
})

t.test('keys during the recording are for Asterisk', async (t) => {
  inTheLoop(t).types('##').types('5#').thenNothing().standsIn('message', 'recording')
})

t.test('silence is no message: back to the loop, and nobody is thanked', async (t) => {
  inTheLoop(t)
    .types('##')
    .recorded(3_000, 1_000)
    .then('keepVoicemail 5', 'set recording to 1 s')
    .listenedTo(false)
    .then('clear recording', 'startMusic', 'set music to 60 s')
    .hangsUp()
    .hasEnded('abandoned')
})

t.test('a cry for help in which Asterisk counts no talking is a message', async (t) => {
  inTheLoop(t).types('##').recorded(400, 0).listenedTo(true).then('clear recording', 'play thanks').hangsUp().hasEnded('voicemail')
})

t.test('nobody can listen now: the caller is thanked, and it is listened to later', async (t) => {
  const call = inTheLoop(t).types('##').recorded(9_000, null).runsOut('recording').then('play thanks')
  call.happens({ type: 'recordingFoundEmpty', visit: 5 }).thenNothing().hangsUp().hasEnded('abandoned')
})

t.test('a caller who hangs up while it is listened to', async (t) => {
  inTheLoop(t).types('##').recorded(9_000, null).hangsUp().then('clear recording', 'end voicemail')
})

t.test('the caller hangs up in the middle of the message: it is kept, once', async (t) => {
  inTheLoop(t)
    .types('##')
    .later(8_000)
    .hangsUp()
    .then('keepVoicemail 5', 'clear recording', 'end voicemail')
    .hasEnded('voicemail')
    .recorded(8_000, 7_000)
    .thenNothing()
})

t.test('a hang-up during the greeting leaves nothing', async (t) => {
  inTheLoop(t).types('#').hangsUp().then('end abandoned')
})

t.test('Asterisk never says that the recording has ended', async (t) => {
  inTheLoop(t)
    .types('##')
    .runsOut('recording')
    .then('stopRecording', 'keepVoicemail 5', 'play thanks')
    .happens({ type: 'recordingFinished', visit: 5, durationMs: 180_000, talkingMs: 1 })
    .thenNothing()
})

t.test('the recording fails, or is refused', async (t) => {
  const call = inTheLoop(t).types('##')
  const visit = call.state.visit
  new Story(t, hotline, call.state)
    .happens({ type: 'recordingFailed', visit })
    .then('dropRecording 5', 'clear recording', 'startMusic', 'set music to 60 s')
  call.refused('record').then('stopRecording', 'dropRecording 5', 'clear recording', 'startMusic', 'set music to 60 s')
})

t.test('the greeting cannot be played: the beep all the same', async (t) => {
  inTheLoop(t).types('#').refused('play').then(recording, 'set recording to 185 s')
})

t.test('a second message in one call is another recording', async (t) => {
  const again = {
    ...hotline,
    steps: { ...hotline.steps, thanks: { ...hotline.steps.thanks, then: { done: 'message' } } },
  } as typeof hotline
  const call = new Story(t, again, inTheLoop(t).types('##').state).recorded(9_000, 8_000).listenedTo(true).hearsItOut().types('#')
  t.not(call.state.visit, call.state.voicemailVisit)
  call
    .recorded(9_000, 8_000)
    .then(`keepVoicemail ${call.state.visit}`, 'set recording to 1 s')
    .listenedTo(true)
    .then('clear recording', 'play thanks')
})

t.test('hanging up in each step', async (t) => {
  new Story(t).hangsUp().then('end abandoned').hasEnded('abandoned').went()
  new Story(t).arrives().hangsUp().then('end abandoned')
  askedForPin(t).hangsUp().then('end abandoned')
  askedForPin(t).types('86').hangsUp().then('clear total', 'clear between_digits', 'end abandoned')
  askedForPin(t).types('86420').hangsUp().then('clear slow_look_up', 'end abandoned')
  inTheLoop(t).hangsUp().then('clear music', 'end abandoned')
  inTheLoop(t).runsOut('music').hangsUp().then('end abandoned')
  waiting(t).hangsUp().then('leaveQueue', 'clear max_wait', 'end abandoned')
})

t.test('after the end nothing moves the call', async (t) => {
  const call = waiting(t).hangsUp()
  const ended = call.state
  call.hangsUp().thenNothing().types('86420#').thenNothing().arrives().thenNothing()
  call.happens({ type: 'timerFired', visit: call.state.visit, timer: 'max_wait' }).thenNothing()
  t.equal(call.state, ended)
})
