// What asterisk-config does with calls, on a real Asterisk that runs from it.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import { parseFallbackName } from '../../src/app/fallback-recording.ts'
import { ensureAsterisk, type AsteriskOptions, type RunningAsterisk } from '../../src/local/asterisk.ts'
import { Phone } from '../../src/local/phone/phone.ts'
import { silent as progress } from '../../src/local/progress.ts'
import { freeSipPort, temporaryHome } from '../local/support/homes.ts'

async function options(t: Test): Promise<AsteriskOptions> {
  return {
    home: await temporaryHome(t),
    sip: { host: '127.0.0.1', port: await freeSipPort() },
    rtpPorts: { from: 20_000, to: 29_999 },
    progress,
  }
}

/** A caller's phone, which nobody knows here. */
async function stranger(t: Test, user = '+496215550100'): Promise<Phone> {
  const phone = await Phone.open({ host: '127.0.0.1', user })
  t.teardown(() => phone.close())
  return phone
}

async function ari(asterisk: RunningAsterisk, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${asterisk.ariUrl}/ari${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`${asterisk.user}:${asterisk.password}`)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? undefined : response.json()
}

/** Connects as Pforte does, and gives the events one by one. */
async function connect(t: Test, asterisk: RunningAsterisk): Promise<(type: string) => Promise<Record<string, unknown>>> {
  const socket = new WebSocket(
    `${asterisk.ariUrl.replace('http', 'ws')}/ari/events?app=pforte&api_key=${asterisk.user}:${asterisk.password}`,
  )
  t.teardown(() => socket.terminate())
  const seen: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  socket.on('message', (data) => {
    seen.push(JSON.parse(String(data)) as Record<string, unknown>)
    for (const look of waiting) look()
  })
  await once(socket, 'open')
  return (type) =>
    new Promise((resolve) => {
      const look = (): void => {
        const event = seen.find((one) => one['type'] === type)
        if (event === undefined) return
        waiting.delete(look)
        resolve(event)
      }
      waiting.add(look)
      look()
    })
}

/** Pushes an agent's phone, as Pforte does. */
async function pushAgent(asterisk: RunningAsterisk, name: string, password: string): Promise<void> {
  const push = (type: string, id: string, fields: Record<string, string>): Promise<unknown> =>
    ari(asterisk, 'PUT', `/asterisk/config/dynamic/res_pjsip/${type}/${id}`, {
      fields: Object.entries(fields).map(([attribute, value]) => ({ attribute, value })),
    })
  await push('auth', name, { auth_type: 'userpass', username: name, password })
  await push('aor', name, { max_contacts: '1', remove_existing: 'yes' })
  await push('endpoint', name, { auth: name, aors: name, context: 'pforte-agents', disallow: 'all', allow: 'alaw' })
}

t.test('a call comes into Pforte with what was dialled and by which trunk', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  const event = await connect(t, asterisk)
  const phone = await stranger(t)
  const dialling = await phone.dial(`sip:hotline@127.0.0.1:${wanted.sip.port}`)
  t.match(await event('StasisStart'), {
    args: ['line', 'hotline', 'anonymous'],
    channel: { caller: { number: '+496215550100' }, state: 'Ring' },
  })
  await dialling.cancel()
  await t.rejects(dialling.answered, { name: 'CallFailed', status: 487 })
})

t.test('while Pforte is away a caller hears the prompt and leaves a message, which Pforte finds later', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk({
    ...wanted,
    fallbackPrompt: await readFile(join(import.meta.dirname, '../local/support/prompt.wav')),
  })
  const phone = await stranger(t)
  const call = await phone.call(`sip:hotline@127.0.0.1:${wanted.sip.port}`)
  await call.play({ hz: 440, ms: 3_000 })
  // The message may end before the digit does.
  await call.sendDigits('#').catch(() => {})
  t.match(await call.ended, { by: 'them' }, '# ends the message')

  const stored = (await ari(asterisk, 'GET', '/recordings/stored')) as { name: string; format: string }[]
  t.equal(stored.length, 1)
  const name = stored[0]?.name ?? ''
  t.match(parseFallbackName(name), { caller: '+496215550100', line: 'hotline' })
  const seconds = (parseFallbackName(name).at ?? 0) / 1000
  t.ok(Math.abs(seconds - Date.now() / 1000) < 60)
  const file = await readFile(join(wanted.home, 'parts/asterisk/spool/recording', `${name}.wav`))
  t.ok(file.length > 16_000, 'more than a second of sound')
})

t.test('a call that Pforte gives back when it is stopped ends at the prompt of the dialplan too', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  const event = await connect(t, asterisk)
  const phone = await stranger(t)
  const dialling = await phone.dial(`sip:hotline@127.0.0.1:${wanted.sip.port}`)
  const { channel } = (await event('StasisStart')) as { channel: { id: string } }
  await ari(asterisk, 'POST', `/channels/${channel.id}/continue`)
  const call = await dialling.answered
  await call.play({ hz: 440, ms: 500 })
  await call.hangUp()
  const stored = (await ari(asterisk, 'GET', '/recordings/stored')) as { name: string }[]
  t.match(
    stored.map(({ name }) => name),
    [new RegExp(`-${channel.id.replace(/\D/g, '')}-p496215550100-hotline$`)],
    'named by the digits of its channel',
  )
})

t.test('while Pforte is away and a reserve number is set, the call goes there', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  await pushAgent(asterisk, 'anna', 'correct horse')
  const anna = await Phone.open({
    host: '127.0.0.1',
    user: 'anna',
    password: 'correct horse',
    registrar: { host: '127.0.0.1', port: wanted.sip.port },
  })
  t.teardown(() => anna.close())
  await anna.register()
  await ari(asterisk, 'POST', '/asterisk/variable?variable=PFORTE_RESERVE&value=PJSIP/anna')
  const rung = new Promise((resolve) =>
    anna.onCall((call) => {
      resolve('rung')
      call.reject(603)
    }),
  )
  const phone = await stranger(t)
  const call = await phone.call(`sip:hotline@127.0.0.1:${wanted.sip.port}`)
  t.equal(await rung, 'rung')
  await call.play({ hz: 440, ms: 500 })
  await call.hangUp()
  const stored = (await ari(asterisk, 'GET', '/recordings/stored')) as unknown[]
  t.equal(stored.length, 1, 'nobody took it there, so there is a message after all')
})

t.test('a caller who hides the number or sends a strange one leaves a message all the same', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  for (const user of ['anonymous', '%22;rm+-rf%20%2F,x%29']) {
    const phone = await stranger(t, user)
    const call = await phone.call(`sip:hotline@127.0.0.1:${wanted.sip.port}`)
    await call.play({ hz: 440, ms: 500 })
    await call.hangUp()
  }
  const names = ((await ari(asterisk, 'GET', '/recordings/stored')) as { name: string }[]).map(({ name }) => name)
  t.equal(names.length, 2)
  for (const name of names) t.match(parseFallbackName(name), { caller: null, line: 'hotline' })
})

t.test('a phone that Pforte pushed registers, is called, and may dial nothing', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  const registrar = { host: '127.0.0.1', port: wanted.sip.port }
  await pushAgent(asterisk, 'anna', 'correct horse')
  const thief = await Phone.open({ host: '127.0.0.1', user: 'anna', password: 'wrong', registrar })
  t.teardown(() => thief.close())
  await t.rejects(thief.register(), { name: 'RegistrationFailed', status: 401 })

  const anna = await Phone.open({ host: '127.0.0.1', user: 'anna', password: 'correct horse', registrar })
  t.teardown(() => anna.close())
  await anna.register()
  t.match(await ari(asterisk, 'GET', '/endpoints/PJSIP/anna'), { resource: 'anna' })

  const rung = new Promise((resolve) =>
    anna.onCall((call) => {
      resolve('rung')
      call.reject(603)
    }),
  )
  await connect(t, asterisk)
  await ari(asterisk, 'POST', '/channels?endpoint=PJSIP/anna&app=pforte&timeout=5')
  t.equal(await rung, 'rung')
  for (const number of ['+493012345678', 'hotline', 'anna', 's']) {
    await t.rejects(
      anna.call(`sip:${number}@127.0.0.1:${wanted.sip.port}`),
      { name: 'CallFailed', status: 404 },
      `an agent cannot dial ${number}`,
    )
  }
})

t.test('nobody unauthenticated reaches anything but the lines', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  const registrar = { host: '127.0.0.1', port: wanted.sip.port }
  await pushAgent(asterisk, 'anna', 'correct horse')
  const anna = await Phone.open({ host: '127.0.0.1', user: 'anna', password: 'correct horse', registrar })
  t.teardown(() => anna.close())
  let rings = 0
  anna.onCall((call) => {
    rings++
    call.reject(603)
  })
  await anna.register()

  const phone = await stranger(t)
  for (const dialled of ['+493012345678', '00493012345678', 'anna', 'PJSIP%2Fanna', 'anna%26x']) {
    const call = await phone.call(`sip:${dialled}@127.0.0.1:${wanted.sip.port}`)
    const channels = (await ari(asterisk, 'GET', '/channels')) as { name: string }[]
    t.equal(channels.length, 1, `${dialled}: the caller's own channel and no other`)
    await call.hangUp()
  }
  for (const dialled of ['s', 'h', 'i', 't']) {
    await t.rejects(
      phone.call(`sip:${dialled}@127.0.0.1:${wanted.sip.port}`),
      { name: 'CallFailed', status: /404|484/ },
      `the dialplan's own ${dialled} cannot be dialled`,
    )
  }
  t.equal(rings, 0)
})

t.test('digits that a caller types are in no log', async (t) => {
  const wanted = await options(t)
  const asterisk = await ensureAsterisk(wanted)
  const event = await connect(t, asterisk)
  const phone = await stranger(t)
  const dialling = await phone.dial(`sip:hotline@127.0.0.1:${wanted.sip.port}`)
  const { channel } = (await event('StasisStart')) as { channel: { id: string } }
  await ari(asterisk, 'POST', `/channels/${channel.id}/answer`)
  const call = await dialling.answered
  await call.sendDigits('7')
  t.match(await event('ChannelDtmfReceived'), { digit: '7' })
  await call.hangUp()
  t.notMatch(await readFile(join(wanted.home, 'log/asterisk.log'), 'utf8'), /dtmf/i)
})
