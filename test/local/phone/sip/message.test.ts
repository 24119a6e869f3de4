import t from 'tap'
import {
  escapeUser,
  formatMessage,
  isRequest,
  parameter,
  parseMessage,
  parseNameAddress,
  parseUri,
  responseTo,
  SipHeaders,
  type SipRequest,
} from '../../../../src/local/phone/sip/message.ts'

const invite = [
  'INVITE sip:hotline@192.0.2.1 SIP/2.0',
  'v: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKab,SIP/2.0/UDP 198.51.100.2',
  'f: "Maier, \\"Anna\\"" <sip:+49621@192.0.2.9;x=1>;tag=17',
  't: <sip:hotline@192.0.2.1>',
  'i: abc@192.0.2.9',
  'CSeq: 4 INVITE',
  'Subject: a long',
  '\tline',
  'm: sip:anna@192.0.2.9:5062',
  'Content-Length: 4',
  '',
  'v=0\r\nleft over',
].join('\r\n')

function parsed(text: string): SipRequest {
  const message = parseMessage(Buffer.from(text))
  if (message === undefined || !isRequest(message)) throw new Error('not a request')
  return message
}

t.test('an INVITE with short names, folded lines and lists is read as it is meant', async (t) => {
  const { method, uri, headers, body } = parsed(invite)
  t.equal(method, 'INVITE')
  t.equal(uri, 'sip:hotline@192.0.2.1')
  t.same(headers.all('Via'), ['SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKab', 'SIP/2.0/UDP 198.51.100.2'])
  t.same(parseNameAddress(headers.get('from')), { displayName: 'Maier, "Anna"', uri: 'sip:+49621@192.0.2.9;x=1' })
  t.equal(parameter(headers.get('from'), 'tag'), '17')
  t.equal(parameter(headers.get('from'), 'x'), undefined, 'what stands in brackets belongs to the URI')
  t.equal(headers.get('subject'), 'a long line')
  t.equal(headers.get('call-id'), 'abc@192.0.2.9')
  t.equal(body, 'v=0\r', 'no longer than it says')
  t.equal(headers.get('no-such-header'), '')
})

t.test('what is written is read back the same', async (t) => {
  const request = parsed(invite)
  t.same(parsed(formatMessage(request).toString()), { ...request, headers: parsed(formatMessage(request).toString()).headers })
  t.same(parsed(formatMessage(request).toString()).headers.all('via'), request.headers.all('via'))
  const response = parseMessage(formatMessage(responseTo(request, 180, 'Ringing', { toTag: '9' })))
  t.match(response, { status: 180, reason: 'Ringing' })
  t.equal(response?.headers.get('to'), '<sip:hotline@192.0.2.1>;tag=9')
  t.equal(response?.headers.get('via'), request.headers.get('via'))
})

t.test('a body is counted in bytes, not in letters', async (t) => {
  const message = formatMessage({ method: 'INFO', uri: 'sip:a@b', headers: new SipHeaders(), body: 'größer' })
  t.match(message.toString(), /Content-Length: 8\r\n/)
  t.equal(parsed(message.toString()).body, 'größer')
})

t.test('noise, keep-alives and half a message are no message', async (t) => {
  for (const text of ['', '\r\n\r\n', '\0\0\0\0', 'INVITE sip:a@b SIP/2.0\r\nVia: x', 'GET / HTTP/1.1\r\n\r\n', 'SIP/2.0 OK\r\n\r\n']) {
    t.equal(parseMessage(Buffer.from(text)), undefined, JSON.stringify(text))
  }
})

t.test('URIs of callers, garbage included', async (t) => {
  t.same(parseUri('sip:+49621@192.0.2.1:5060;user=phone'), { user: '+49621', host: '192.0.2.1', port: 5060 })
  t.same(parseUri('sip:192.0.2.1'), { user: '', host: '192.0.2.1', port: undefined })
  t.same(parseUri('sips:anna:secret@[2001:db8::1]:5061'), { user: 'anna', host: '2001:db8::1', port: 5061 })
  t.same(parseUri('tel:+49621;phone-context=x'), { user: '+49621', host: '', port: undefined })
  t.same(parseUri('sip:100%@h').user, '100%')
  for (const garbage of ['', 'sip:', 'hello', 'sip:@', '<>', 'sip:%zz@h']) t.doesNotThrow(() => parseUri(garbage))
  t.equal(parseUri(`sip:${escapeUser('+49 (0)621 ä@"<>%')}@host`).user, '+49 (0)621 ä@"<>%')
})

t.test('a parameter without a value is there', async (t) => {
  t.equal(parameter('SIP/2.0/UDP h;rport;branch=z', 'rport'), '')
  t.equal(parameter('SIP/2.0/UDP h;branch=z', 'rport'), undefined)
})
