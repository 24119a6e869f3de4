import t from 'tap'
import { bestTransport, isTooOld, securityWarning, shortVersion } from '../../src/telephony/asterisk-version.ts'

t.test('commands ride the WebSocket from the first release of each branch that takes them', async (t) => {
  const transports = {
    '18.26.4': 'ari-client',
    '20.13.9': 'ari-client',
    '20.14.0': 'websocket',
    '21.8.0': 'ari-client',
    '21.9.0': 'websocket',
    '22.3.0': 'ari-client',
    '22.4.0': 'websocket',
    '22.10.1+dfsg+~cs6.17.60671434-1': 'websocket',
    '23.0.0': 'websocket',
    'certified/20.7-cert5': 'ari-client',
    'GIT-22-a1b2c3d': 'websocket',
    'something of our own': 'ari-client',
  }
  for (const [version, transport] of Object.entries(transports)) t.equal(bestTransport(version), transport, version)
})

t.test('what is too old, and what lacks security fixes', async (t) => {
  t.ok(isTooOld('16.28.0'))
  t.notOk(isTooOld('18.0.0'))
  t.notOk(isTooOld('something of our own'))
  t.match(securityWarning('22.10.0'), /GHSA-/)
  t.match(securityWarning('20.16.0'), /22\.10\.1/)
  t.equal(securityWarning('22.10.1+dfsg'), null)
  t.equal(securityWarning('23.1.0'), null)
  t.equal(shortVersion('22.10.1+dfsg+~cs6.17'), '22.10.1')
})
