/** The carrier link and an SMSC that we did not write: Perl's Net::SMPP, with a codec of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { fromSeptets } from '../../src/domain/sms/gsm7.ts'
import type { LinkSettings } from '../../src/smpp/settings.ts'
import { ensureSmsPeers } from '../support/sms-peers.ts'
import { until } from '../support/until.ts'
import { TestLink, password, quick } from './support/link.ts'

const { perl } = await ensureSmsPeers()
const threeParts = 'Ihr Ticket für den Anschluß ist in Bearbeitung. '.repeat(8)

type Told = { command: string; status: number; sequence: number; short_message?: string } & Record<string, unknown>

class PerlSmsc {
  readonly told: Told[] = []
  readonly #child: ChildProcessWithoutNullStreams
  readonly #seen = new Map<string, number>()
  port = 0

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
  }

  static async start(t: Test, right = password): Promise<PerlSmsc> {
    const child = spawn(perl.command, [...perl.args, join(import.meta.dirname, 'net-smpp-smsc.pl'), right], {
      env: { ...process.env, ...perl.environment },
    })
    const smsc = new PerlSmsc(child)
    const ended = once(child, 'close')
    t.teardown(async () => {
      child.stdin.end()
      await ended
    })
    let said = ''
    child.stderr.on('data', (text: Buffer) => (said += text.toString()))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as Told & { port?: number }
      if (told.port === undefined) smsc.told.push(told)
      else smsc.port = told.port
    })
    await until('Perl to listen', () => {
      if (child.exitCode !== null) throw new Error(`Net::SMPP has ended: ${said}`)
      return smsc.port > 0
    })
    return smsc
  }

  order(method: string, args: Record<string, unknown> = {}): void {
    this.#child.stdin.write(`${JSON.stringify([method, args])}\n`)
  }

  deliver(octets: Buffer, args: Record<string, unknown> = {}): void {
    const short_message = octets.toString('hex')
    this.order('deliver_sm', { source_addr: '4917612345678', destination_addr: '72345', data_coding: 0, short_message, ...args })
  }

  async next(command: string): Promise<Told> {
    const index = this.#seen.get(command) ?? 0
    this.#seen.set(command, index + 1)
    return until(`${command} ${index + 1} at Perl`, () => this.told.filter((told) => told.command === command)[index])
  }
}

async function linked(t: Test, settings: Partial<LinkSettings> = {}): Promise<{ smsc: PerlSmsc; link: TestLink }> {
  const smsc = await PerlSmsc.start(t)
  const account = { route: 'perl', host: '127.0.0.1', port: smsc.port, tls: false, systemId: 'pforte', password }
  const link = TestLink.open(t, [{ account, settings: { ...quick, ...settings } }])
  await link.lane()
  return { smsc, link }
}

function octets(told: Told): Buffer {
  return Buffer.from(told.short_message ?? '', 'hex')
}

t.test('it lets us bind, reads our text and our fields, and we its id', async (t) => {
  const { smsc, link } = await linked(t)
  t.match(await smsc.next('bind_transceiver'), { system_id: 'pforte', system_type: '', interface_version: 0x34, address_range: '' })
  await link.send('Grüße aus Köln: 5 €', { validUntil: Date.now() + 5_400_000 })
  const submit = await smsc.next('submit_sm')
  t.match(submit, {
    source_addr_ton: 5,
    source_addr_npi: 0,
    source_addr: 'Stadtwerke',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: '4917612345678',
    esm_class: 0,
    data_coding: 0,
    registered_delivery: 1,
    validity_period: /^00000001\d{4}000R$/,
  })
  t.equal(fromSeptets(octets(submit)), 'Grüße aus Köln: 5 €')
  t.match(await link.result(), { is: 'accepted', carrierId: '0000ABC1' })
})

t.test('UCS-2 with an emoji', async (t) => {
  const { smsc, link } = await linked(t)
  await link.send('Ваш запрос выполнен 👍')
  const submit = await smsc.next('submit_sm')
  t.equal(submit['data_coding'], 8)
  t.equal(octets(submit).swap16().toString('utf16le'), 'Ваш запрос выполнен 👍')
})

t.test('a long text with headers', async (t) => {
  const { smsc, link } = await linked(t)
  await link.send(threeParts)
  const parts = [await smsc.next('submit_sm'), await smsc.next('submit_sm'), await smsc.next('submit_sm')]
  t.same(
    parts.map((part) => [part['esm_class'], octets(part).toString('hex', 0, 6)]),
    [1, 2, 3].map((part) => [0x40, `0500033403${String(part).padStart(2, '0')}`]),
  )
  t.equal(parts.map((part) => fromSeptets(octets(part).subarray(6))).join(''), threeParts)
})

t.test('a long text with SAR TLVs, and one in message_payload', async (t) => {
  const sar = await linked(t, { concatenation: 'sar' })
  await sar.link.send(threeParts)
  for (const part of ['01', '02', '03'])
    t.match(await sar.smsc.next('submit_sm'), { sar_msg_ref_num: '1234', sar_total_segments: '03', sar_segment_seqnum: part })
  const payload = await linked(t, { concatenation: 'payload' })
  await payload.link.send(threeParts)
  const submit = await payload.smsc.next('submit_sm')
  t.equal(submit.short_message, '')
  t.equal(fromSeptets(Buffer.from(submit['message_payload'] as string, 'hex')), threeParts)
})

t.test('its receipts: in the text of Appendix B with a decimal id, and in TLVs', async (t) => {
  const { smsc, link } = await linked(t, { idForm: 'hex_to_decimal' })
  await link.send('Ihr Ticket ist erledigt.')
  const result = await link.result()
  t.match(result, { is: 'accepted' })
  const carrierId = result.is === 'accepted' ? result.carrierId : ''
  const text = `id:${String(0xabc1).padStart(10, '0')} sub:001 dlvrd:001 submit date:2603020755 done date:2603020757 stat:DELIVRD err:000 text:Ihr`
  smsc.deliver(Buffer.from(text), { esm_class: 0x04 })
  t.match(await smsc.next('deliver_sm_resp'), { status: 0 })
  smsc.deliver(Buffer.alloc(0), { esm_class: 0x04, receipted_message_id: Buffer.from('43969\0').toString('hex'), message_state: '05' })
  t.match(await smsc.next('deliver_sm_resp'), { status: 0 })
  t.match(link.incoming, [
    { kind: 'receipt', state: 'delivered', error: '000', doneAt: Date.UTC(2026, 2, 2, 7, 57) },
    { kind: 'receipt', state: 'undeliverable' },
  ])
  for (const incoming of link.incoming) t.ok(incoming.kind === 'receipt' && incoming.carrierIds.includes(carrierId))
})

t.test('its replies: GSM-7, UCS-2, a part of a long one, and one that comes again because we could not store it', async (t) => {
  const { smsc, link } = await linked(t)
  smsc.deliver(Buffer.from([0x44, 0x61, 0x6e, 0x6b, 0x65, 0x20, 0x66, 0x7e, 0x72]))
  t.match(await smsc.next('deliver_sm_resp'), { status: 0 })
  smsc.deliver(Buffer.from('Спасибо 👍', 'utf16le').swap16(), { data_coding: 8 })
  t.match(await smsc.next('deliver_sm_resp'), { status: 0 })
  smsc.deliver(Buffer.concat([Buffer.from('050003070201', 'hex'), Buffer.from('Erstens')]), { esm_class: 0x40 })
  t.match(await smsc.next('deliver_sm_resp'), { status: 0 })
  link.take = () => Promise.reject(new Error('away'))
  smsc.deliver(Buffer.from('Hallo'))
  t.match(await smsc.next('deliver_sm_resp'), { status: 0x64 })
  t.match(link.incoming, [
    { kind: 'reply', from: '+4917612345678', to: '72345', text: 'Danke für', concatenation: null },
    { text: 'Спасибо 👍' },
    { text: 'Erstens', concatenation: { reference: 7, part: 1, of: 2 } },
    { text: 'Hallo' },
  ])
})

t.test('both ask whether the other is alive, and are answered', async (t) => {
  const { smsc, link } = await linked(t, { enquireLinkMs: 100, enquireLinkTimeoutMs: 5000 })
  await smsc.next('enquire_link')
  await smsc.next('enquire_link')
  smsc.order('enquire_link')
  t.match(await smsc.next('enquire_link_resp'), { status: 0 })
  t.same(link.smsc.faults, [])
  t.match(link.smsc.status, [{ state: 'bound' }])
})

t.test('we unbind in order', async (t) => {
  const { smsc, link } = await linked(t)
  await link.smsc.close()
  await smsc.next('unbind')
  await smsc.next('gone')
})

t.test('it unbinds, and we come back', async (t) => {
  const { smsc, link } = await linked(t)
  await smsc.next('bind_transceiver')
  smsc.order('unbind')
  t.match(await smsc.next('unbind_resp'), { status: 0 })
  await smsc.next('bind_transceiver')
  await link.lane()
})

t.test('with a wrong password it hears from us once', async (t) => {
  const smsc = await PerlSmsc.start(t, 'another one')
  const account = { route: 'perl', host: '127.0.0.1', port: smsc.port, tls: false, systemId: 'pforte', password }
  const link = TestLink.open(t, [{ account, settings: quick }])
  t.match(await link.saw('refused'), { why: /wrong password/ })
  await smsc.next('gone')
  t.same(
    smsc.told.map(({ command }) => command),
    ['bind_transceiver', 'gone'],
  )
})
