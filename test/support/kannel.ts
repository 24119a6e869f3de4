/** Kannel as an ESME of whatever SMSC: bearerbox, which speaks SMPP, fed over HTTP by smsbox. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/local/ports.ts'
import { ensureSmsPeers, type Launch } from './sms-peers.ts'
import { until } from './until.ts'

export type KannelOptions = {
  /** `smpp://user:password@host:port`. */
  smscUrl: string
  /** Where what phones send is to be reported: a GET with `from`, `to`, `coding` and `text`, which is UTF-16 where coding is 2. */
  answersTo?: string
  /** Each message is a file on disk until it is gone; in memory only, otherwise. */
  spool?: boolean
  maxPendingSubmits?: number
}

const CREDENTIALS = { username: 'test', password: 'test' }
/** Of Kannel's levels: what is below would hold texts, and cost more than sending. */
const ERRORS_ONLY = '3'
const STOP_WITHIN_MS = 5_000

export class Kannel {
  /** Takes `to`, `from`, `text`, `charset`, `dlr-mask`, `dlr-url` …, beside `credentials`. */
  readonly sendUrl: string
  readonly credentials = CREDENTIALS
  readonly #folder: string
  readonly #boxes: ChildProcess[]

  private constructor(sendUrl: string, folder: string, boxes: ChildProcess[]) {
    this.sendUrl = sendUrl
    this.#folder = folder
    this.#boxes = boxes
  }

  /** Resolves when it takes messages and is bound to the SMSC. */
  static async start(options: KannelOptions): Promise<Kannel> {
    const { bearerbox, smsbox } = await ensureSmsPeers()
    const folder = await mkdtemp(join(tmpdir(), 'pforte-kannel-'))
    const [adminPort, boxPort, sendPort] = [await freePort(), await freePort(), await freePort()]
    const configuration = join(folder, 'kannel.conf')
    const spool = join(folder, 'spool')
    await mkdir(spool)
    await writeFile(configuration, configurationOf(options, { adminPort, boxPort, sendPort, spool }))
    const boxes: ChildProcess[] = []
    const kannel = new Kannel(`http://127.0.0.1:${sendPort}/cgi-bin/sendsms`, folder, boxes)
    const status = `http://127.0.0.1:${adminPort}/status.txt?password=${CREDENTIALS.password}`
    try {
      boxes.push(run(bearerbox, configuration))
      await says(status, /status/i)
      boxes.push(run(smsbox, configuration))
      await says(status, /smsbox:.*on-line[\s\S]*SMPP.*\(online/)
    } catch (error) {
      await kannel.stop()
      throw error
    }
    return kannel
  }

  /** @returns what Kannel says: `0: Accepted for delivery`, `3: Queued for later delivery` */
  async send(message: { to: string; from: string; text: string } & Record<string, string>): Promise<string> {
    const response = await fetch(`${this.sendUrl}?${new URLSearchParams({ ...CREDENTIALS, charset: 'utf-8', ...message })}`)
    return response.text()
  }

  async stop(): Promise<void> {
    // The feeder first, or it would complain.
    for (const box of this.#boxes.toReversed()) {
      if (box.exitCode !== null) continue
      const exited = once(box, 'exit')
      box.kill('SIGTERM')
      const impatience = setTimeout(() => box.kill('SIGKILL'), STOP_WITHIN_MS)
      await exited
      clearTimeout(impatience)
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function run({ command, args }: Launch, configuration: string): ChildProcess {
  return spawn(command, [...args, '-v', ERRORS_ONLY, configuration], { stdio: ['ignore', 'ignore', 'ignore'] })
}

/** Kannel tells how it is only when asked. */
async function says(status: string, pattern: RegExp): Promise<void> {
  await until(`Kannel to say ${pattern}`, async () => {
    const said = await (await fetch(status)).text()
    return pattern.test(said)
  })
}

function configurationOf(
  { smscUrl, answersTo, spool = false, maxPendingSubmits = 10 }: KannelOptions,
  places: { adminPort: number; boxPort: number; sendPort: number; spool: string },
): string {
  const { hostname, port, username, password } = new URL(smscUrl)
  const store = spool ? `store-type = spool\nstore-location = "${places.spool}"\n` : ''
  const answers =
    answersTo === undefined
      ? ''
      : `
group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "${answersTo}?from=%p&to=%P&coding=%c&text=%b"
`
  return `group = core
admin-port = ${places.adminPort}
admin-password = ${CREDENTIALS.password}
smsbox-port = ${places.boxPort}
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
sms-resend-freq = 1
${store}
group = smsc
smsc = smpp
smsc-id = simulator
host = ${hostname}
port = ${port}
transceiver-mode = true
smsc-username = ${decodeURIComponent(username)}
smsc-password = ${decodeURIComponent(password)}
system-type = ""
interface-version = 34
max-pending-submits = ${maxPendingSubmits}
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${places.sendPort}

group = sendsms-user
username = ${CREDENTIALS.username}
password = ${CREDENTIALS.password}
max-messages = 10
concatenation = true
${answers}`
}
