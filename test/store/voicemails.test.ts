import t from 'tap'
import { randomBytes } from 'node:crypto'
import { isTicketNumber } from '../../src/domain/ticket/number.ts'
import type { VoicemailRequest } from '../../src/app/ports/store.ts'
import { testStore } from '../support/postgres.ts'
import { callRow, customerWithPin, monday, serviceWith } from '../support/stories.ts'

t.test('a voicemail becomes a ticket with the recording, the number and the customer', async (t) => {
  const { calls, records } = await hotline(t)
  const { customer } = await customerWithPin(records, '48213', { number: '+49 621 12345' })
  await calls.saveCalls([callRow('call-1')])
  const kept = await calls.keepVoicemail(voicemail({ callId: 'call-1' }))
  t.notOk(kept.already)
  t.ok(isTicketNumber(kept.ticketNumber), 'can be read out on the phone')
  t.match(await records.ticket(kept.ticketId), {
    number: kept.ticketNumber,
    customerId: customer.id,
    caller: '+4962112345',
    subject: 'Voicemail von +4962112345',
    status: 'received',
    source: 'voicemail',
    version: 1,
    createdAt: monday,
    updatedAt: monday,
    voicemail: { durationMs: 4321 },
  })
  t.match(await records.call('call-1'), { outcome: 'voicemail', ticketId: kept.ticketId })
})

t.test('the same recording is one ticket, however often and however many bring it', async (t) => {
  const { calls, query } = await hotline(t)
  const kept = await Promise.all(Array.from({ length: 8 }, () => calls.keepVoicemail(voicemail({}))))
  t.equal(new Set(kept.map(({ ticketId }) => ticketId)).size, 1)
  t.equal(kept.filter(({ already }) => !already).length, 1)
  t.equal((await query('SELECT FROM tickets')).rowCount, 1)
  t.equal((await query('SELECT FROM ticket_changes')).rowCount, 1, 'and entered its status once')
})

t.test('the call’s row may come before the ticket or after it', async (t) => {
  const { calls, records } = await hotline(t)
  const early = await calls.keepVoicemail(voicemail({ recording: 'early', callId: 'call-1' }))
  await calls.saveCalls([callRow('call-1', { endedAt: monday + 5, outcome: 'voicemail' })])
  t.match(await records.call('call-1'), { ticketId: early.ticketId, outcome: 'voicemail' })

  await calls.saveCalls([callRow('call-2', { endedAt: monday + 5, outcome: 'abandoned' })])
  const late = await calls.keepVoicemail(voicemail({ recording: 'late', callId: 'call-2' }))
  t.match(await records.call('call-2'), { ticketId: late.ticketId, outcome: 'voicemail' }, 'they left something after all')
  await calls.saveCalls([callRow('call-2', { endedAt: monday + 5, outcome: 'abandoned' })])
  t.match(await records.call('call-2'), { ticketId: late.ticketId, outcome: 'voicemail' }, 'a write that comes twice takes nothing back')
})

t.test('whoever typed a right PIN is the customer, wherever they call from', async (t) => {
  const { calls, records } = await hotline(t)
  const { customer } = await customerWithPin(records, '48213')
  await calls.saveCalls([callRow('call-1', { caller: null, customerId: customer.id })])
  const { ticketId } = await calls.keepVoicemail(voicemail({ callId: 'call-1', caller: null }))
  t.match(await records.ticket(ticketId), { customerId: customer.id, caller: null, subject: 'Voicemail, Nummer unterdrückt' })
})

t.test('a recording of the fallback dialplan has no call', async (t) => {
  const { calls, records } = await hotline(t)
  const { ticketId } = await calls.keepVoicemail(voicemail({ callId: null, line: null, caller: 'anonymous', language: 'en' }))
  t.match(await records.ticket(ticketId), { customerId: null, subject: 'Voicemail, number withheld', source: 'voicemail' })
})

t.test('ten minutes of voicemail are heard from any place', async (t) => {
  const { calls, records } = await hotline(t)
  const wav = randomBytes(9_600_044)
  const { ticketId } = await calls.keepVoicemail(voicemail({ wav }))
  const sound = await records.voicemail(ticketId)
  t.equal(sound!.size, wav.length)
  for (const [from, to] of [
    [0, wav.length],
    [0, 1],
    [131_071, 131_073],
    [5_000_000, 5_400_001],
    [wav.length - 1, wav.length],
    [9_600_000, 99_999_999],
    [7, 7],
  ] as const) {
    const parts: Buffer[] = []
    for await (const part of sound!.read(from, to)) parts.push(part)
    t.ok(Buffer.concat(parts).equals(wav.subarray(from, to)), `${from} to ${to}`)
  }
  t.equal(await records.voicemail('018f0000-0000-7000-8000-000000000000'), null)
  t.equal(await records.voicemail('nonsense'), null)
})

t.test('tickets are found by status, caller, customer and time', async (t) => {
  const { calls, records } = await hotline(t)
  const { customer } = await customerWithPin(records, '48213', { number: '+4962112345' })
  const ids: string[] = []
  for (let place = 0; place < 5; place += 1) {
    ids.push(
      (
        await calls.keepVoicemail(
          voicemail({ recording: `r-${place}`, at: monday + place, caller: place < 3 ? '+4962112345' : '+493012345' }),
        )
      ).ticketId,
    )
  }
  const found = async (filter: Parameters<typeof records.tickets>[0]) =>
    (await records.tickets(filter, { limit: 50, cursor: null })).items.map(({ id }) => ids.indexOf(id))
  t.strictSame(await found({}), [4, 3, 2, 1, 0])
  t.strictSame(await found({ customerId: customer.id }), [2, 1, 0])
  t.strictSame(await found({ caller: '+493012345', status: 'received' }), [4, 3])
  t.strictSame(await found({ status: 'completed' }), [])
  t.strictSame(await found({ from: monday + 1, to: monday + 3 }), [2, 1])
  t.strictSame(await found({ customerId: 'nonsense' }), [])
  const first = await records.tickets({}, { limit: 2, cursor: null })
  const second = await records.tickets({}, { limit: 5, cursor: first.next })
  t.strictSame(
    [...first.items, ...second.items].map(({ id }) => ids.indexOf(id)),
    [4, 3, 2, 1, 0],
  )
  t.equal(second.next, null)
})

async function hotline(t: Parameters<typeof testStore>[0]) {
  const store = await testStore(t)
  await serviceWith(store, [])
  return store
}

function voicemail(changes: Partial<VoicemailRequest>): VoicemailRequest {
  return {
    recording: 'pforte-call-1.7',
    callId: null,
    line: 'hotline',
    caller: '+4962112345',
    at: monday,
    wav: randomBytes(20_000),
    durationMs: 4321,
    language: 'de',
    ...changes,
  }
}
