/**
 * A carrier that does as it is told: a socket and the codec, so that a test
 * can put anything on the wire and see all that arrived. It lets binds in and
 * answers enquire_links until it is told otherwise.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { Test } from 'tap'
import { commandIds, isResponse, type CommandName } from '../../../src/wire/smpp/constants.ts'
import { FrameReader } from '../../../src/wire/smpp/frames.ts'
import { decodePdu, encodePdu, type Draft, type Pdu } from '../../../src/wire/smpp/pdu.ts'
import { until } from '../../support/until.ts'

export type Script = {
  /** command_status of bind responses; null leaves them without an answer. */
  bind?: number | null
  enquireLink?: 'answered' | 'mute'
  unbind?: 'answered' | 'mute'
  /** What becomes of each submit_sm; by default a message_id that counts up. Null: no answer. */
  submit?: (pdu: Pdu<'submit_sm'>, connection: Connection) => Draft<'submit_sm_resp' | 'generic_nack'> | null
  tls?: TlsOptions
}

export class Carrier {
  readonly connections: Connection[] = []
  script: Script
  readonly #server: Server
  #waited = 0
  messageIds = 0

  private constructor(server: Server, script: Script) {
    this.#server = server
    this.script = script
    server.on(script.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.connections.push(new Connection(socket, this))
    })
  }

  /** Listening; closed with the test. */
  static async start(t: Test, script: Script = {}): Promise<Carrier> {
    const server = script.tls === undefined ? createServer() : createTlsServer(script.tls)
    const carrier = new Carrier(server, script)
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => carrier.stop())
    return carrier
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The next connection that was not asked for before, when it is there. */
  async connection(): Promise<Connection> {
    const index = this.#waited++
    return until(`connection ${index + 1}`, () => this.connections[index])
  }

  stop(): void {
    for (const { socket } of this.connections) socket.destroy()
    this.#server.close()
  }
}

export class Connection {
  readonly socket: Socket
  readonly received: Pdu[] = []
  /** Frames as they came, beside `received`. */
  readonly frames: Buffer[] = []
  isClosed = false
  readonly #carrier: Carrier
  readonly #taken = new Map<CommandName, number>()

  constructor(socket: Socket, carrier: Carrier) {
    this.socket = socket
    this.#carrier = carrier
    const reader = new FrameReader()
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
    })
    socket.on('data', (chunk: Buffer) => {
      const { frames, fault } = reader.push(chunk)
      for (const frame of frames) this.#receive(Buffer.from(frame))
      if (fault !== null) throw new Error('Pforte wrote no PDU')
    })
  }

  send<C extends CommandName>(pdu: Draft<C>): void {
    this.write(encodePdu(pdu as Draft))
  }

  write(octets: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(octets)
  }

  /** The next PDU of this kind that was not asked for before, when it is there. */
  async next<C extends CommandName>(command: C): Promise<Pdu<C>> {
    const index = this.#taken.get(command) ?? 0
    this.#taken.set(command, index + 1)
    return until(`${command} ${index + 1}`, () => this.of(command)[index])
  }

  of<C extends CommandName>(command: C): Pdu<C>[] {
    return this.received.filter((pdu) => pdu.command === command) as Pdu<C>[]
  }

  async closed(): Promise<void> {
    await until('Pforte to close the connection', () => this.isClosed)
  }

  #receive(frame: Buffer): void {
    const decoded = decodePdu(frame)
    if (!decoded.ok) throw new Error(`Pforte wrote a bad PDU: ${decoded.why}`)
    const { pdu } = decoded
    this.frames.push(frame)
    this.received.push(pdu)
    if (isResponse(commandIds[pdu.command])) return
    const { bind = 0, enquireLink = 'answered', unbind = 'answered', submit } = this.#carrier.script
    const { sequence } = pdu
    switch (pdu.command) {
      case 'bind_transceiver':
      case 'bind_transmitter':
      case 'bind_receiver':
        if (bind !== null) this.send({ command: `${pdu.command}_resp`, sequence, status: bind, fields: { system_id: 'carrier' } })
        return
      case 'enquire_link':
        if (enquireLink === 'answered') this.send({ command: 'enquire_link_resp', sequence })
        return
      case 'unbind':
        if (unbind === 'answered') this.send({ command: 'unbind_resp', sequence })
        return
      case 'submit_sm': {
        const answer: Draft | null =
          submit === undefined
            ? { command: 'submit_sm_resp', sequence, fields: { message_id: `m${++this.#carrier.messageIds}` } }
            : submit(pdu, this)
        if (answer !== null) this.send(answer as Draft)
        return
      }
    }
  }
}
