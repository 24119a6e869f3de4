import t from 'tap'
import { testStore } from '../support/postgres.ts'
import { agent, customerWithPin, definitions, monday, serviceWith, valueOf } from '../support/stories.ts'

t.test('the file’s lines, queues and agents can be read; the same file again is the same version', async (t) => {
  const { calls, records } = await testStore(t)
  t.strictSame(await calls.syncDefinitions(definitions([agent('anna')]), monday), { version: 1, problems: [] })
  t.strictSame(await calls.syncDefinitions(definitions([agent('anna')]), monday), { version: 1, problems: [] })
  t.strictSame(await calls.syncDefinitions(definitions([agent('anna')], { hash: 'file-2' }), monday), { version: 2, problems: [] })
  t.strictSame(await records.lines(), [{ name: 'hotline', numbers: ['+4962155501'], flow: 'hotline', language: 'de' }])
  t.strictSame(
    (await records.queues(monday)).map(({ name }) => name),
    ['billing', 'emergency', 'sales'],
  )
  t.strictSame(await records.agents(), [
    {
      id: 'anna',
      name: 'Anna',
      endpoint: 'sip-anna',
      state: 'available',
      reason: null,
      since: monday,
      skills: [],
      callId: null,
      queues: ['billing', 'emergency'],
    },
  ])
})

t.test('a queue that contracts or callers use does not vanish unless another takes its place', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, [])
  const { calls, records } = store
  const { contract } = await customerWithPin(records, '48213', { queue: 'billing' })
  await calls.enterQueue({ callId: 'call-1', queue: 'billing', priority: 0, at: monday })
  const without = definitions([agent('anna', ['emergency'])], {
    hash: 'file-2',
    queues: definitions([]).queues.filter(({ name }) => name !== 'billing'),
  })
  const refused = await calls.syncDefinitions(without, monday)
  t.match(refused, { version: 1, problems: [/^Queue billing cannot go: 1 contract and 1 caller still use it\. .*replaces: billing/] })
  t.strictSame((await records.agents()).length, 0, 'nothing of that file was taken')
  t.match((await calls.syncDefinitions({ ...without, replaces: { billing: 'nowhere' } }, monday)).problems, [/nowhere, which is no queue/])

  t.strictSame(await calls.syncDefinitions({ ...without, replaces: { billing: 'emergency' } }, monday), { version: 2, problems: [] })
  t.match(
    (await calls.checkPin({ callId: 'c', line: 'hotline', trunk: null, caller: null, pin: '48213', customerNumber: null, at: monday }))
      .result,
    { is: 'right', admission: { contractId: contract.id, queue: 'emergency' } },
  )
  t.match((await calls.dispatch(null, monday)).offers, [{ callId: 'call-1', agentId: 'anna' }], 'whoever waited waits there')
  await calls.leaveQueue('call-1', monday)
  t.match(
    await calls.enterQueue({ callId: 'call-2', queue: 'billing', priority: 0, at: monday }),
    { entered: true, offers: [{ agentId: 'anna' }] },
    'a call of the older flow finds it',
  )
  t.strictSame(
    (await calls.syncDefinitions({ ...without, hash: 'file-3' }, monday)).problems,
    [],
    'without "replaces" it is simply gone by now',
  )
})

t.test('an unused queue goes without a word', async (t) => {
  const { calls, records } = await testStore(t)
  await calls.syncDefinitions(definitions([]), monday)
  t.strictSame((await calls.syncDefinitions(definitions([], { queues: [definitions([]).queues[0]!] }), monday)).problems, [])
  t.strictSame(
    (await records.queues(monday)).map(({ name }) => name),
    ['emergency'],
  )
})

t.test('agents serve queues that exist, of one group', async (t) => {
  const { calls } = await testStore(t)
  const { problems } = await calls.syncDefinitions(definitions([agent('anna', ['emergency', 'sales']), agent('ben', ['emrgency'])]), monday)
  t.match(problems, [/^Agent anna serves queues of different groups/, /^Agent ben serves emrgency, which is no queue/])
})

t.test('an agent who is taken out of the file while talking stays until they are done', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, ['anna', 'ben'])
  const { calls, records } = store
  const {
    offers: [offer],
  } = await calls.enterQueue({ callId: 'call-1', queue: 'emergency', priority: 0, at: monday })
  await calls.acceptOffer(offer!, null, monday)
  await calls.syncDefinitions(definitions([agent('ben')], { hash: 'file-2' }), monday)
  t.match(
    (await records.agents()).find(({ id }) => id === 'anna'),
    { state: 'talking' },
  )
  await calls.releaseAgent({ ...offer!, next: { state: 'available' }, backToQueue: false, queue: null, at: monday })
  t.strictSame(
    (await records.agents()).map(({ id }) => id),
    ['ben'],
  )
  t.match((await calls.enterQueue({ callId: 'call-2', queue: 'emergency', priority: 0, at: monday })).offers, [{ agentId: 'ben' }])
  t.match((await calls.enterQueue({ callId: 'call-3', queue: 'emergency', priority: 0, at: monday })).offers, [], 'anna gets nobody')
})

t.test('an agent’s password is drawn once, kept through reloads and absence, sealed in the row, and drawn anew on request', async (t) => {
  const store = await testStore(t)
  const { calls } = store
  await calls.syncDefinitions(definitions([agent('anna'), agent('ben')]), monday)
  const first = await calls.agentPasswords()
  t.match(first.get('anna'), /^[\w-]{24}$/)
  t.not(first.get('anna'), first.get('ben'))
  await calls.syncDefinitions(definitions([agent('ben')], { hash: 'file-2' }), monday)
  t.strictSame([...(await calls.agentPasswords()).keys()], ['ben'])
  await calls.syncDefinitions(definitions([agent('anna'), agent('ben')], { hash: 'file-3' }), monday)
  t.strictSame(await calls.agentPasswords(), first)
  const { rows } = await store.query<{ row: string }>('SELECT encode(sealed_password, $1) AS row FROM agents', ['escape'])
  t.notOk(rows.some(({ row }) => row.includes(first.get('anna')!)))
  const drawn = await store.newAgentPassword(agent('anna'))
  t.equal((await calls.agentPasswords()).get('anna'), drawn)
  t.match(await store.newAgentPassword(agent('new')), /^[\w-]{24}$/, 'before the first start, too')
})

t.test('an announcement is switched on with its text, and off when its name leaves the file', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, [])
  const { calls, records } = store
  const outage = {
    name: 'outage',
    on: true,
    text: { de: 'Störung in Mannheim.\nWir arbeiten daran.' },
    prompts: { de: 'hash' },
    endsAt: monday + 3_600_000,
  }
  t.strictSame(valueOf(await records.putAnnouncement(outage, monday)), outage)
  t.strictSame(await calls.announcements(), [outage])
  t.match(await records.putAnnouncement({ ...outage, name: 'unknown' }, monday), { ok: false, refusal: { refused: 'not_found' } })
  await calls.syncDefinitions(definitions([], { announcements: [] }), monday)
  t.strictSame(await records.announcementNames(), [])
  await calls.syncDefinitions(definitions([]), monday)
  t.match(await calls.announcements(), [{ name: 'outage', on: false, text: outage.text }], 'back, and silent')
})

t.test('a reload in the middle of dispatch loses no caller', async (t) => {
  const store = await testStore(t)
  await serviceWith(store, ['anna', 'ben'])
  const { calls } = store
  const work = Array.from({ length: 20 }, async (_, place) => {
    if (place % 4 === 0) await calls.syncDefinitions(definitions([agent('anna'), agent('ben')], { hash: `file-${place}` }), monday)
    return (await calls.enterQueue({ callId: `call-${place}`, queue: 'emergency', priority: 0, at: monday + place })).offers
  })
  const offers = (await Promise.all(work)).flat()
  t.equal(offers.length, 2)
  t.equal((await store.records.queues(monday)).find(({ name }) => name === 'emergency')!.waiting.length, 20)
})
