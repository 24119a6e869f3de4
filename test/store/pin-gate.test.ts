import pg from 'pg'
import t from 'tap'
import { limits, rules, testStore } from '../support/postgres.ts'
import { until } from '../support/until.ts'
import { customerWithPin, monday, question, serviceWith, valueOf } from '../support/stories.ts'

t.test('a right PIN opens the queue of its contract, whoever calls', async (t) => {
  const { calls, records } = await openHotline(t)
  const { customer, contract } = await customerWithPin(records, '48213')
  const answer = await calls.checkPin(question('48213', { caller: null }))
  t.match(answer, {
    result: {
      is: 'right',
      admission: { contractId: contract.id, customerId: customer.id, queue: 'emergency', priority: 10, hours: 'always' },
    },
    customerName: 'Marta Weber',
    service: 'Entstörung 8 h',
    alarm: null,
    slowDownMs: 0,
  })
})

t.test('wrong, short, overlong and garbled input is a wrong PIN and nothing else', async (t) => {
  const { calls, records } = await openHotline(t)
  await customerWithPin(records, '48213')
  for (const [place, pin] of ['48214', '482', '', '482130', '4821*', 'ABCD', '4'.repeat(5000), '\0'].entries()) {
    const { result } = await calls.checkPin(question(pin, { caller: `+496211234${place}` }))
    t.strictSame(result, { is: 'wrong' }, 'wrong')
  }
})

t.test('a PIN counts only while it and its contract are valid, and not once revoked', async (t) => {
  const { calls, records } = await openHotline(t)
  const { contract, pin } = await customerWithPin(records, '48213')
  valueOf(await records.issuePin({ contractId: contract.id, pin: '70771', validFrom: monday + 1000, validTo: monday + 2000 }, monday))
  const ask = async (pin: string, at: number) => (await calls.checkPin(question(pin, { at, caller: null }))).result.is
  t.equal(await ask('70771', monday), 'wrong', 'too early')
  t.equal(await ask('70771', monday + 1000), 'right', 'from its first moment')
  t.equal(await ask('70771', monday + 2000), 'wrong', 'its end is no part of it')

  const short = valueOf(await records.createContract({ ...contract, validTo: monday + 5000 }, monday))
  valueOf(await records.issuePin({ contractId: short.id, pin: '90190' }, monday))
  t.equal(await ask('90190', monday + 4999), 'right')
  t.equal(await ask('90190', monday + 5000), 'wrong', 'the contract has run out')

  valueOf(await records.revokePin(pin.id, monday))
  t.equal(await ask('48213', monday + 1), 'wrong', 'revoked')
  valueOf(await records.revokePin(pin.id, monday + 5))
  t.match(await records.revokePin('no-such-pin', monday), { ok: false, refusal: { refused: 'not_found' } })
})

t.test('many wrong PINs from one number slow down, then lead to the loop, even with the right one', async (t) => {
  const { calls, records } = await openHotline(t)
  await customerWithPin(records, '48213')
  const slowDowns: number[] = []
  const results: string[] = []
  for (let guess = 0; guess < 7; guess += 1) {
    const answer = await calls.checkPin(question(`1${guess}111`))
    results.push(answer.result.is)
    slowDowns.push(answer.slowDownMs)
  }
  t.strictSame(results, ['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 'wrong', 'limited'])
  t.strictSame(slowDowns, [0, 0, 0, 63, 125, 250, 500], 'each takes longer')
  const right = await calls.checkPin(question('48213'))
  const wrong = await calls.checkPin(question('99999'))
  t.strictSame(right.result, { is: 'limited' })
  t.strictSame(right, { ...wrong, slowDownMs: right.slowDownMs }, 'right and wrong are told alike')
  t.equal((await calls.checkPin(question('48213', { caller: '+4930999' }))).result.is, 'right', 'others are not concerned')
  t.equal((await calls.checkPin(question('48213', { at: monday + limits.windowMs + 1 }))).result.is, 'right', 'it ends with the window')
})

t.test('the same number is one caller however the trunk writes it', async (t) => {
  const { calls } = await openHotline(t)
  for (const caller of ['+4962112345', '062112345', '004962112345', '+49 621 12345', '0621/12345', '+4962112345']) {
    await calls.checkPin(question('11112', { caller }))
  }
  t.equal((await calls.checkPin(question('11113'))).result.is, 'limited')
})

t.test('callers who withhold their number are not counted as one caller', async (t) => {
  const { calls, records } = await openHotline(t)
  await customerWithPin(records, '48213')
  for (const caller of [null, '', 'anonymous', 'Anonymous', 'unknown', 'anonymous@anonymous.invalid', null, null, null]) {
    await calls.checkPin(question('11112', { caller }))
  }
  t.equal((await calls.checkPin(question('48213', { caller: null }))).result.is, 'right')
})

t.test('guesses sent side by side are judged one after the other', async (t) => {
  const { calls, records, query } = await openHotline(t)
  await customerWithPin(records, '48213')
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, guess) => calls.checkPin(question(`2${guess}`, { callId: `call-${guess}` }))),
  )
  t.equal(answers.filter(({ result }) => result.is === 'wrong').length, limits.perCallerStop, 'as many as one by one')
  t.equal(answers.filter(({ result }) => result.is === 'limited').length, 40 - limits.perCallerStop)
  t.equal((await query('SELECT FROM pin_attempts')).rowCount, 40, 'every one is written down')
})

t.test('a trunk that brings many wrong PINs raises one alarm and leads to the loop', async (t) => {
  const { calls, records } = await openHotline(t, { perTrunkStop: 5 })
  const { customer } = await customerWithPin(records, '48213')
  const guess = (place: number) => calls.checkPin(question('11112', { caller: `+4930100${place}0` }))
  const alarms = []
  for (let place = 0; place < 8; place += 1) alarms.push((await guess(place)).alarm)
  t.strictSame(
    alarms.map((alarm) => alarm !== null),
    [false, false, false, false, true, false, false, false],
  )
  t.match(alarms[4], /trunk carrier/)
  t.equal((await calls.checkPin(question('48213', { caller: '+4930777' }))).result.is, 'limited', 'a PIN alone from there')
  t.equal((await calls.checkPin(question('48213', { caller: '+4930777', trunk: 'other' }))).result.is, 'right', 'another trunk')
  t.equal(
    (await calls.checkPin(question('48213', { caller: '+4930777', customerNumber: customer.customerNumber }))).result.is,
    'right',
    'nobody guesses both',
  )
  t.equal((await calls.checkPin(question('48213', { caller: '+4930777', customerNumber: '999999' }))).result.is, 'limited')
})

t.test('many wrong PINs on a line: one alarm, and from then on customer number plus PIN, but nobody who pays is refused', async (t) => {
  const { calls, records, query } = await openHotline(t, { perLineAlarm: 8 })
  const { customer } = await customerWithPin(records, '48213')
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, place) => calls.checkPin(question('11112', { caller: `+49301000${place}`, trunk: `trunk-${place}` }))),
  )
  t.equal(answers.filter(({ alarm }) => alarm !== null).length, 1, 'one alarm')
  const attempts = (await query('SELECT FROM pin_attempts')).rowCount

  const alone = await calls.checkPin(question('48213', { caller: '+4930777' }))
  t.strictSame(alone.result, { is: 'step_up' })
  t.strictSame((await calls.checkPin(question('00001', { caller: '+4930777' }))).result, { is: 'step_up' }, 'a wrong PIN hears the same')
  t.equal((await query('SELECT FROM pin_attempts')).rowCount, attempts, 'nothing was looked up, so nothing is counted')

  t.equal((await calls.checkPin(question('48213', { caller: '+4930777', customerNumber: customer.customerNumber }))).result.is, 'right')
  t.equal(
    (await calls.checkPin(question('48213', { caller: '+4930777', customerNumber: '100999' }))).result.is,
    'wrong',
    'somebody else’s number',
  )
  t.equal((await calls.checkPin(question('48213', { caller: '+4930777', line: 'other-line' }))).result.is, 'right', 'another line is calm')
  t.equal(
    (await calls.checkPin(question('48213', { caller: '+4930777', at: monday + 2 * limits.windowMs }))).result.is,
    'right',
    'it ends with the guessing',
  )
})

t.test('wrong PINs that come at the same moment count each other, wherever they come from', async (t) => {
  const { calls, records, query, url } = await openHotline(t, { perLineAlarm: 8 })
  await customerWithPin(records, '48213')
  // All of them have been looked up, and none has been written down.
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  t.teardown(() => holder.end())
  await holder.query('BEGIN; LOCK TABLE pin_attempts IN EXCLUSIVE MODE')
  const guesses = Array.from({ length: 9 }, (_, place) =>
    calls.checkPin(question('11112', { caller: `+49301000${place}`, trunk: `trunk-${place}` })),
  )
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await until('all of them to wait', async () => (await query(waiting)).rowCount === guesses.length)
  await holder.query('COMMIT')
  const answers = await Promise.all(guesses)
  t.equal(answers.filter(({ alarm }) => alarm !== null).length, 1, 'one alarm')
  t.equal((await calls.checkPin(question('48213', { caller: '+4930777' }))).result.is, 'step_up')
})

t.test('a number beyond its limit is asked for the customer number like everybody on that line, and is none the wiser', async (t) => {
  const { calls, records } = await openHotline(t, { perLineAlarm: 6 })
  const { customer } = await customerWithPin(records, '48213')
  for (let guess = 0; guess < limits.perCallerStop; guess += 1) await calls.checkPin(question(`1${guess}111`))
  const beyond = (pin: string, customerNumber: string | null) => calls.checkPin(question(pin, { customerNumber }))
  const calm = await calls.checkPin(question('48213', { caller: '+4930777' }))
  for (const pin of ['48213', '99999']) t.strictSame((await beyond(pin, null)).result, calm.result, 'as somebody who never guessed')
  t.strictSame((await beyond('48213', customer.customerNumber)).result, { is: 'limited' })
  t.strictSame((await beyond('99999', customer.customerNumber)).result, { is: 'limited' })
})

t.test('when a random PIN would hit too often, the customer number is always asked', async (t) => {
  const { calls, records, query } = await openHotline(t, { maxGuessChance: 0.0002 })
  const { customer, contract } = await customerWithPin(records, '48213')
  t.equal((await calls.checkPin(question('48213'))).result.is, 'right', '1 of 100,000')
  for (let count = 0; count < 25; count += 1) valueOf(await records.issuePin({ contractId: contract.id }, monday))
  t.match(await calls.guessChance(), { validPins: 26, likeliest: { length: 5, possiblePins: 100_000 }, chance: 0.00026 })
  t.equal((await calls.checkPin(question('48213'))).result.is, 'step_up')
  t.equal((await calls.checkPin(question('48213', { customerNumber: customer.customerNumber }))).result.is, 'right')
  t.equal((await query('SELECT FROM pin_attempts')).rowCount, 0)
})

t.test('longer PINs are asked for while shorter ones are out: these are guessed as easily as before, and the figure says so', async (t) => {
  const store = await testStore(t, { pinLength: 4, pinLimits: { ...limits, maxGuessChance: 0.0002 } })
  await serviceWith(store, [])
  const { calls, records } = store
  const { contract, customer } = await customerWithPin(records, '4821')
  for (let count = 0; count < 2; count += 1) valueOf(await records.issuePin({ contractId: contract.id }, monday))
  store.useRules({ ...rules, pinLength: 6, pinLimits: { ...limits, maxGuessChance: 0.0002 } })
  valueOf(await records.issuePin({ contractId: contract.id, pin: '135790' }, monday))
  t.strictSame(await calls.guessChance(), {
    validPins: 4,
    likeliest: { length: 4, validPins: 3, possiblePins: 10_000 },
    chance: 0.0003,
    shortPins: 3,
    cutPins: 0,
  })
  t.equal((await calls.checkPin(question('4821'))).result.is, 'step_up', 'so the customer number is asked')
  t.equal((await calls.checkPin(question('4821', { customerNumber: customer.customerNumber }))).result.is, 'right', 'ended with #')

  store.useRules({ ...rules, pinLength: 5 })
  t.match(await calls.guessChance(), { validPins: 3, shortPins: 3, cutPins: 1 }, 'six digits cannot be typed where five are collected')
})

t.test('PINs are drawn without collision, and none that people try first', async (t) => {
  const { records } = await openHotline(t)
  const { contract } = await customerWithPin(records, '48213')
  const drawn = await Promise.all(Array.from({ length: 300 }, () => records.issuePin({ contractId: contract.id }, monday)))
  const pins = drawn.map((result) => valueOf(result).pin)
  t.equal(new Set([...pins, '48213']).size, 301)
  t.ok(
    pins.every((pin) => /^\d{5}$/.test(pin)),
    'five digits, leading zeros kept',
  )
})

t.test('a drum that is nearly empty still gives its last PIN, then says what to do', async (t) => {
  const store = await testStore(t, { pinLength: 2 })
  await serviceWith(store, [])
  const { contract } = await customerWithPin(store.records, '00')
  for (let pin = 1; pin < 100; pin += 1) {
    if (pin !== 42) await store.records.issuePin({ contractId: contract.id, pin: String(pin).padStart(2, '0') }, monday)
  }
  t.equal(valueOf(await store.records.issuePin({ contractId: contract.id }, monday)).pin, '42')
  t.match(await store.records.issuePin({ contractId: contract.id }, monday), {
    ok: false,
    refusal: { refused: 'conflict', message: /longer/ },
  })
})

t.test('a given PIN that is taken or malformed is refused without a word about whose it is', async (t) => {
  const { records } = await openHotline(t)
  const { contract, pin } = await customerWithPin(records, '48213')
  const again = await records.issuePin({ contractId: contract.id, pin: '48213' }, monday)
  t.match(again, { ok: false, refusal: { refused: 'conflict', field: 'pin' } })
  t.notMatch(JSON.stringify(again), /48213|Weber/)
  for (const bad of ['1234', '123456', '12a45', '']) {
    t.match(await records.issuePin({ contractId: contract.id, pin: bad }, monday), {
      ok: false,
      refusal: { refused: 'invalid', field: 'pin' },
    })
  }
  valueOf(await records.revokePin(pin.id, monday))
  t.ok((await records.issuePin({ contractId: contract.id, pin: '48213' }, monday)).ok, 'free again once revoked')
  t.match(await records.issuePin({ contractId: 'x', pin: '48214' }, monday), { ok: false, refusal: { refused: 'not_found' } })
})

t.test('no digit of a PIN reaches a row', async (t) => {
  const { calls, records, query } = await openHotline(t)
  await customerWithPin(records, '48213')
  await calls.checkPin(question('77931'))
  const { rows: tables } = await query<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`)
  for (const { name } of tables) {
    const { rows } = await query<{ row: string }>(`SELECT to_jsonb(x)::text AS row FROM ${name} x`)
    t.notOk(
      rows.some(({ row }) => /"(48213|77931)"/.test(row)),
      name,
    )
  }
})

async function openHotline(t: Parameters<typeof testStore>[0], changes: Partial<typeof limits> = {}) {
  const store = await testStore(t, { pinLimits: { ...limits, ...changes } })
  await serviceWith(store, [])
  return store
}
