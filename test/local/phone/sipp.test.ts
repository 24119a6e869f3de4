import t, { type Test } from 'tap'
import { aPhone, nextCall } from './phones.ts'
import { offered, onlyIf, request, response, sipp, type SippRun } from './sipp.ts'

const invite = request('INVITE', 1, { to: '<sip:bert@[remote_ip]:[remote_port]>', body: offered() })

t.test('sipp calls the phone, types, and hangs up', async (t) => {
  const phone = await aPhone(t, 'bert')
  const coming = nextCall(phone)
  const { done } = await sipp(
    `
    <send retrans="500">${invite}</send>
    <recv response="100" optional="true"/>
    <recv response="180"/>
    <recv response="200"/>
    <send>${request('ACK', 1)}</send>
    <nop><action><exec play_dtmf="12345#"/></action></nop>
    <pause milliseconds="3500"/>
    <send retrans="500">${request('BYE', 2)}</send>
    <recv response="200"/>`,
    phone.address,
  )
  const rings = await coming
  t.equal(rings.callerId, 'sipp')
  rings.ring()
  const call = await rings.answer()
  t.equal(await call?.waitForDigits(6), '12345#')
  t.match(await call?.ended, { by: 'them' })
  await well(t, done)
})

t.test('sipp gives up while it rings', async (t) => {
  const phone = await aPhone(t, 'bert')
  const coming = nextCall(phone)
  const { done } = await sipp(
    `
    <send retrans="500">${invite}</send>
    <recv response="100" optional="true"/>
    <recv response="180"/>
    <send retrans="500">${request('CANCEL', 1, { to: '<sip:bert@[remote_ip]:[remote_port]>' }).replace('[branch]', '[branch-3]')}</send>
    <recv response="200"/>
    <recv response="487"/>
    <send>${request('ACK', 1).replace('[branch]', '[branch-6]')}</send>`,
    phone.address,
  )
  const rings = await coming
  rings.ring()
  await rings.cancelled
  await well(t, done)
})

t.test('sipp is turned away, asks what the phone can do, and about a call that is not there', async (t) => {
  const phone = await aPhone(t, 'bert')
  phone.onCall((call) => call.reject(486))
  const { done } = await sipp(
    `
    <send retrans="500">${invite}</send>
    <recv response="100" optional="true"/>
    <recv response="486"/>
    <send>${request('ACK', 1).replace('[branch]', '[branch-3]')}</send>
    <send retrans="500">${request('OPTIONS', 2, { to: '<sip:bert@[remote_ip]:[remote_port]>' })}</send>
    <recv response="200"/>
    <send retrans="500">${request('BYE', 3)}</send>
    <recv response="481"/>`,
    phone.address,
  )
  await well(t, done)
})

t.test('sipp puts the call on hold and takes it back', async (t) => {
  const phone = await aPhone(t, 'bert')
  const coming = nextCall(phone)
  const { done } = await sipp(
    `
    <send retrans="500">${invite}</send>
    <recv response="100" optional="true"/>
    <recv response="200"/>
    <send>${request('ACK', 1)}</send>
    <send retrans="500">${request('INVITE', 2, { body: offered(2, 'sendonly') })}</send>
    <recv response="100" optional="true"/>
    <recv response="200"><action><ereg regexp="a=recvonly" search_in="body" check_it="true" assign_to="held"/></action></recv>
    <send>${request('ACK', 2)}</send>
    <send retrans="500">${request('INVITE', 3, { body: offered(3) })}</send>
    <recv response="100" optional="true"/>
    <recv response="200"><action><ereg regexp="a=sendrecv" search_in="body" check_it="true" assign_to="back"/></action></recv>
    <send>${request('ACK', 3)}</send>
    <send retrans="500">${request('BYE', 4)}</send>
    <recv response="200"/>
    <Reference variables="held,back"/>`,
    phone.address,
  )
  const call = await (await coming).answer()
  t.match(await call?.ended, { by: 'them' })
  await well(t, done)
})

t.test('sipp does not speak any codec of ours', async (t) => {
  const phone = await aPhone(t, 'bert')
  phone.onCall((call) => void call.answer())
  const { done } = await sipp(
    `
    <send retrans="500">${invite.replace('RTP/AVP 8 96', 'RTP/AVP 9 96').replace('a=rtpmap:8 PCMA/8000', 'a=rtpmap:9 G722/8000')}</send>
    <recv response="100" optional="true"/>
    <recv response="488"/>
    <send>${request('ACK', 1).replace('[branch]', '[branch-3]')}</send>`,
    phone.address,
  )
  await well(t, done)
})

t.test('the phone calls sipp, which asks for the password, rings, answers, and is hung up on', async (t) => {
  const phone = await aPhone(t, 'anna', { password: 'sesame' })
  const { port, done } = await sipp(`
    <recv request="INVITE"/>
    <send>${response('401 Unauthorized', { headers: 'WWW-Authenticate: Digest realm="sipp", nonce="47ebe028cda119c35d4877b383027d28da013815", algorithm=MD5, qop="auth"\n' })}</send>
    <recv request="ACK"/>
    <recv request="INVITE"><action><verifyauth assign_to="right" username="anna" password="sesame"/></action></recv>
    ${onlyIf('right')}
    <send>${response('180 Ringing')}</send>
    <send retrans="500">${response('200 OK', { body: offered() })}</send>
    <recv request="ACK"/>
    <recv request="BYE"/>
    <send>${response('200 OK').replace(';tag=[pid]SIPpTag[call_number]', '')}</send>
`)
  const calling = await phone.dial(`sip:bert@127.0.0.1:${port}`, { from: '+4962112345' })
  await calling.ringing
  const call = await calling.answered
  await call.sendDigits('9')
  await call.hangUp()
  await well(t, done)
})

t.test('sipp hangs up on the phone, with a reason', async (t) => {
  const phone = await aPhone(t, 'anna')
  const { port, done } = await sipp(
    `
    <recv request="INVITE"/>
    <send retrans="500">${response('200 OK', { body: offered() })}</send>
    <recv request="ACK"/>
    <send retrans="500"><![CDATA[
BYE sip:anna@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:bert@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]
To[$caller]
Call-ID: [call_id]
CSeq: 1 BYE
Reason: Q.850;cause=16
Content-Length: 0

]]></send>
    <recv response="200"/>`.replace(
      '<recv request="INVITE"/>',
      '<recv request="INVITE"><action><ereg regexp=":.*" header="From" search_in="hdr" assign_to="caller"/></action></recv>',
    ),
  )
  const call = await phone.call(`sip:bert@127.0.0.1:${port}`)
  t.match(await call.ended, { by: 'them', reason: 'Q.850;cause=16' })
  await well(t, done)
})

t.test('the phone gives up while sipp rings', async (t) => {
  const phone = await aPhone(t, 'anna')
  const { port, done } = await sipp(`
    <recv request="INVITE"/>
    <send>${response('180 Ringing')}</send>
    <recv request="CANCEL"/>
    <send>${response('200 OK')}</send>
    <send retrans="500">${response('487 Request Terminated').replace('[last_CSeq:]', 'CSeq: 1 INVITE')}</send>
    <recv request="ACK"/>`)
  const calling = await phone.dial(`sip:bert@127.0.0.1:${port}`)
  await calling.ringing
  await calling.cancel()
  await t.rejects(calling.answered, { name: 'CallFailed', status: 487 } as object as Error)
  await well(t, done)
})

t.test('the phone registers with sipp, and is refused with the wrong password', async (t) => {
  const scenario = (status: string) => `
    <recv request="REGISTER"/>
    <send>${response('401 Unauthorized', { headers: 'WWW-Authenticate: Digest realm="sipp", nonce="abc"\n' })}</send>
    <recv request="REGISTER"><action><verifyauth assign_to="right" username="anna" password="sesame"/></action></recv>
    ${onlyIf('right')}
    <send>${response(status)}</send>`
  const [granting, refusing] = await Promise.all([sipp(scenario('200 OK')), sipp(scenario('403 Forbidden'))])
  const phoneAt = (port: number) => aPhone(t, 'anna', { password: 'sesame', registrar: { host: '127.0.0.1', port } })
  await (await phoneAt(refusing.port)).register().then(
    () => t.fail('it was registered'),
    (error: unknown) => t.match(error, { name: 'RegistrationFailed', status: 403, message: /password is wrong/ }),
  )
  await (await phoneAt(granting.port)).register()
  await well(t, granting.done)
  await well(t, refusing.done)
})

/** The call went as the scenario says. */
async function well(t: Test, done: SippRun['done']): Promise<void> {
  const { code, said } = await done
  t.equal(code, 0, 'sipp is content', code === 0 ? {} : { said })
}
