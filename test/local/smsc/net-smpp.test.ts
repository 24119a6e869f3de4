/** The simulator and an ESME that we did not write: Perl's Net::SMPP, with a codec of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { Mailbox } from '../../../src/local/smsc/mailbox.ts'
import { startSimulator, type Simulator } from '../../../src/local/smsc/simulator.ts'
import { statusName } from '../../../src/wire/smpp/constants.ts'
import { ensureSmsPeers } from '../../support/sms-peers.ts'

const anna = '+4915112345678'
const { perl } = await ensureSmsPeers()

type Told = { command: string; status: number; sequence: number; short_message?: string; message_id?: string } & Record<string, unknown>

/** Net::SMPP with a name for each of its deeds. */
class PerlEsme {
  readonly arrived = new Mailbox<Told>('a PDU', { most: 100 })
  readonly #child: ChildProcessWithoutNullStreams
  readonly ended: Promise<unknown>
  said = ''

  constructor(url: string, bind: 'transceiver' | 'transmitter' | 'receiver' = 'transceiver') {
    const { hostname, port, username, password } = new URL(url)
    const script = join(import.meta.dirname, 'net-smpp-esme.pl')
    this.#child = spawn(perl.command, [...perl.args, script, bind, hostname, port, username, password], {
      env: { ...process.env, ...perl.environment },
    })
    this.#child.stderr.on('data', (text: Buffer) => (this.said += text.toString()))
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.arrived.put(JSON.parse(line) as Told))
    this.ended = once(this.#child, 'close')
  }

  order(method: string, args: Record<string, unknown> = {}): void {
    this.#child.stdin.write(`${JSON.stringify([method, args])}\n`)
  }

  submit(octets: Buffer, args: Record<string, unknown> = {}): void {
    this.order('submit_sm', {
      source_addr_ton: 5,
      source_addr: 'Perl',
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: anna.slice(1),
      registered_delivery: 1,
      data_coding: 0,
      short_message: octets.toString('hex'),
      ...args,
    })
  }

  async next(command: string): Promise<Told> {
    const gone = this.ended.then(() => Promise.reject(new Error(`Net::SMPP has ended: ${this.said}`)))
    const told = await Promise.race([this.arrived.next(30_000), gone])
    if (told.command !== command) throw new Error(`${told.command} came instead of ${command}`)
    return told
  }

  end(): void {
    this.#child.stdin.end()
  }
}

async function bound(t: Test): Promise<{ smsc: Simulator; esme: PerlEsme }> {
  const smsc = await startSimulator()
  const esme = new PerlEsme(smsc.url)
  t.teardown(async () => {
    esme.end()
    await esme.ended
    await smsc.close()
  })
  t.match(await esme.next('bind_transceiver_resp'), { status: 0, system_id: 'simulator', sc_interface_version: '34' })
  return { smsc, esme }
}

function text(told: Told): string {
  return Buffer.from(told.short_message ?? '', 'hex').toString('latin1')
}

t.test('Net::SMPP binds with the right password only', async (t) => {
  const smsc = await startSimulator()
  for (const bind of ['transmitter', 'receiver'] as const) {
    const esme = new PerlEsme(smsc.url, bind)
    t.match(await esme.next(`bind_${bind}_resp`), { status: 0 })
    t.match(smsc.binds, [{ type: bind }])
    esme.end()
    await esme.ended
  }
  const stranger = new PerlEsme(smsc.url.replace(/:[^:@]+@/, ':wrong@'))
  t.equal(statusName((await stranger.next('bind_transceiver_resp')).status), 'ESME_RINVPASWD')
  await stranger.ended
  await smsc.close()
})

t.test('what Net::SMPP sends shows on the phone, and it reads the receipt', async (t) => {
  const { smsc, esme } = await bound(t)
  // "Grüße, 5 €" in septets.
  esme.submit(Buffer.from([0x47, 0x72, 0x7e, 0x1e, 0x65, 0x2c, 0x20, 0x35, 0x20, 0x1b, 0x65]))
  const response = await esme.next('submit_sm_resp')
  const receipt = await esme.next('deliver_sm')
  t.match(await smsc.phone(anna).next(), { from: 'Perl', text: 'Grüße, 5 €', messageIds: [response.message_id] })
  t.match(receipt, { esm_class: 4, source_addr: anna.slice(1), destination_addr: 'Perl', message_state: '02' })
  t.equal(String(receipt['receipted_message_id']).replace('\0', ''), response.message_id)
  t.match(text(receipt), `id:${response.message_id} sub:001 dlvrd:001 `)
})

t.test('a long text of Net::SMPP shows whole: with headers, with TLVs, in a message_payload', async (t) => {
  const { smsc, esme } = await bound(t)
  const phone = smsc.phone(anna)
  const wide = (words: string): Buffer => Buffer.from(words, 'utf16le').swap16()
  for (const [index, part] of ['Шестьдесят ', 'семь 😀'].entries())
    esme.submit(Buffer.concat([Buffer.of(5, 0, 3, 9, 2, index + 1), wide(part)]), {
      esm_class: 0x40,
      data_coding: 8,
      registered_delivery: 0,
    })
  t.match(await phone.next(), { text: 'Шестьдесят семь 😀', parts: 2 })
  esme.submit(Buffer.alloc(0), { message_payload: Buffer.from('payload '.repeat(30)).toString('hex'), registered_delivery: 0 })
  t.match(await phone.next(), { text: 'payload '.repeat(30) })
})

t.test('Net::SMPP reads what a phone answers, and the simulator hears that it did', async (t) => {
  const { smsc, esme } = await bound(t)
  t.match(await smsc.reply({ from: anna, to: '81000', text: 'STOP' }), [{ acknowledged: true, status: 'ESME_ROK' }])
  t.match(await esme.next('deliver_sm'), { source_addr: anna.slice(1), destination_addr: '81000', data_coding: 0, esm_class: 0 })
  t.match(await smsc.reply({ from: anna, to: '81000', text: 'Добрый день '.repeat(9) }), [{ acknowledged: true }, { acknowledged: true }])
  const parts = [await esme.next('deliver_sm'), await esme.next('deliver_sm')]
  t.match(parts, [
    { data_coding: 8, esm_class: 0x40, short_message: /^050003..0201/ },
    { data_coding: 8, esm_class: 0x40, short_message: /^050003..0202/ },
  ])
})

t.test('Net::SMPP enquires, is enquired of, is refused and throttled, and goes', async (t) => {
  const { smsc, esme } = await bound(t)
  esme.order('enquire_link')
  await esme.next('enquire_link_resp')
  await smsc.enquire()
  await esme.next('enquire_link')
  smsc.faults({ kind: 'throttle', next: 1 })
  esme.submit(Buffer.from('x'))
  t.equal(statusName((await esme.next('submit_sm_resp')).status), 'ESME_RTHROTTLED')
  esme.order('query_sm', { message_id: '1', source_addr: 'Perl' })
  t.equal(statusName((await esme.next('query_sm_resp')).status), 'ESME_RINVCMDID')
  esme.order('unbind')
  await esme.next('unbind_resp')
  await esme.ended
})
