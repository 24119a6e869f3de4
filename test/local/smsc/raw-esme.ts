/** An ESME made of nothing but the wire: it does what it is told, and tells what came. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Mailbox } from '../../../src/local/smsc/mailbox.ts'
import type { CommandName } from '../../../src/wire/smpp/constants.ts'
import { FrameReader } from '../../../src/wire/smpp/frames.ts'
import { decodePdu, encodePdu, type DecodedPdu, type Draft, type Pdu } from '../../../src/wire/smpp/pdu.ts'

type Bad = Extract<DecodedPdu, { ok: false }>

export class RawEsme {
  readonly socket: Socket
  /** Frames that were none, and why. */
  readonly bad: (Bad | { ok: false; why: string })[] = []
  readonly #arrived = new Mailbox<Pdu>('a PDU', { most: 1_000_000 })
  readonly #reader = new FrameReader()
  #sequence = 0
  /** Fulfilled when the line has ended, by whomever. */
  readonly closed: Promise<unknown>
  /** It ended without a FIN. */
  wasReset = false
  /** That came. */
  octets = 0
  octetsAtBind = 0
  /** Acknowledges what is delivered, as a good ESME does. */
  acknowledges = true

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => {
      this.wasReset = true
    })
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** @param url `smpp://user:password@host:port`; `ca` for `ssmpp://` */
  static async connect(url: string, ca?: string): Promise<RawEsme> {
    const { hostname, port, protocol } = new URL(url)
    const isTls = protocol === 'ssmpp:'
    const socket = isTls ? connectTls({ host: hostname, port: Number(port), ...(ca && { ca }) }) : connectTcp(Number(port), hostname)
    const esme = new RawEsme(socket)
    await once(socket, isTls ? 'secureConnect' : 'connect')
    return esme
  }

  /** Connects and binds with what the URL says. */
  static async bound(
    url: string,
    command: 'bind_transmitter' | 'bind_receiver' | 'bind_transceiver' = 'bind_transceiver',
  ): Promise<RawEsme> {
    const esme = await RawEsme.connect(url)
    await esme.bind(url, command)
    return esme
  }

  async bind(url: string, command: 'bind_transmitter' | 'bind_receiver' | 'bind_transceiver' = 'bind_transceiver'): Promise<Pdu> {
    const { username, password } = new URL(url)
    this.send({
      command,
      fields: { system_id: decodeURIComponent(username), password: decodeURIComponent(password), interface_version: 0x34 },
    })
    const response = await this.next(`${command}_resp`)
    this.octetsAtBind = this.octets
    return response
  }

  /** @returns its sequence number */
  send(draft: Draft extends infer D ? (D extends Draft ? Omit<D, 'sequence'> : never) : never): number {
    const sequence = ++this.#sequence
    this.socket.write(encodePdu({ ...draft, sequence } as Draft))
    return sequence
  }

  submit(to: string, text: string, more: Partial<Draft<'submit_sm'>['fields']> = {}, tlvs: Draft<'submit_sm'>['tlvs'] = {}): number {
    return this.send({
      command: 'submit_sm',
      fields: {
        source_addr_ton: 5,
        source_addr: 'Pforte',
        dest_addr_ton: 1,
        dest_addr_npi: 1,
        destination_addr: to.replace('+', ''),
        registered_delivery: 1,
        data_coding: 0,
        short_message: Buffer.from(text, 'latin1'),
        ...more,
      },
      tlvs,
    })
  }

  /** The next PDU; it must be of this command. */
  async next<C extends CommandName>(command: C): Promise<Pdu<C>> {
    const pdu = await this.#arrived.next()
    if (pdu.command !== command) throw new Error(`${pdu.command} came instead of ${command}`)
    return pdu as Pdu<C>
  }

  any(): Promise<Pdu> {
    return this.#arrived.next()
  }

  /** Until octets come, of whatever sense. */
  async arrival(): Promise<void> {
    await once(this.socket, 'data')
  }

  end(): void {
    this.socket.end()
  }

  #take(chunk: Buffer): void {
    this.octets += chunk.length
    const { frames, fault } = this.#reader.push(chunk)
    for (const frame of frames) {
      const decoded = decodePdu(Buffer.from(frame))
      if (!decoded.ok) this.bad.push(decoded)
      else {
        const { pdu } = decoded
        if (pdu.command === 'deliver_sm' && this.acknowledges)
          this.socket.write(encodePdu({ command: 'deliver_sm_resp', sequence: pdu.sequence, fields: { message_id: '' } }))
        this.#arrived.put(pdu)
      }
    }
    if (fault !== null) this.bad.push({ ok: false, why: fault.fault })
  }

  get partialBytes(): number {
    return this.#reader.partialBytes
  }
}
