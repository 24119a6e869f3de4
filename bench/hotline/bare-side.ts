/** The bare handler with an Asterisk of its own, set up exactly like Pforte's. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureAsterisk, stopAsterisk } from '../../src/local/asterisk.ts'
import { removeHome } from '../../src/local/home.ts'
import { freePort } from '../../src/local/ports.ts'
import { silent } from '../../src/local/progress.ts'
import { pushAgent } from '../../src/telephony/agent-accounts.ts'
import { asRequest, type CommandCarrier } from '../../src/telephony/ari-call.ts'
import { ariAccess, eventUrl, filterEvents, type AriAccess } from '../../src/telephony/ari-access.ts'
import type { SipAccount } from './bench-pforte.ts'
import type { BareAnswer, BareMessage, BareSettings } from './bare-handler.ts'

const APP = 'pforte'
const LIMIT_MS = 5_000

export class BareSide {
  readonly sip: { host: string; port: number }
  readonly accounts: SipAccount[]
  readonly #home: string
  readonly #access: AriAccess
  readonly #process: ChildProcess

  private constructor(parts: {
    sip: { host: string; port: number }
    accounts: SipAccount[]
    home: string
    access: AriAccess
    child: ChildProcess
  }) {
    this.sip = parts.sip
    this.accounts = parts.accounts
    this.#home = parts.home
    this.#access = parts.access
    this.#process = parts.child
  }

  static async start(agents: number, media: string, rtpPorts: { from: number; to: number }): Promise<BareSide> {
    const home = await mkdtemp(join(tmpdir(), 'pforte-bare-'))
    const sip = { host: '127.0.0.1', port: await freePort() }
    const { ariUrl, user, password } = await ensureAsterisk({ home, sip, rtpPorts, progress: silent })
    const access = ariAccess({ url: ariUrl, user, password, app: APP, limitMs: LIMIT_MS })
    const accounts = Array.from({ length: agents }, (_, place) => ({ user: `bare-${place + 1}`, password: 'of-a-bench-only' }))
    for (const account of accounts) {
      const pushed = await pushAgent(overHttp(access), { id: account.user, username: account.user, password: account.password })
      if (!pushed.ok) throw new Error(`Asterisk does not take the account ${account.user}: ${pushed.detail}`)
    }
    const child = fork(join(import.meta.dirname, 'bare-handler.ts'), { execArgv: [] })
    const side = new BareSide({ sip, accounts, home, access, child })
    const events = new URL(eventUrl(access))
    events.username = user
    events.password = password
    await side.#ask({
      do: 'connect',
      settings: { eventsUrl: events.href, app: APP, media, endpoints: accounts.map((one) => one.user) } satisfies BareSettings,
    })
    return side
  }

  get lineUri(): string {
    return `sip:hotline@${this.sip.host}:${this.sip.port}`
  }

  async figures(): Promise<{ cpuMs: number; events: number }> {
    return (await this.#ask({ do: 'tell' })) as { cpuMs: number; events: number }
  }

  /** From now on it hears only what Pforte has itself told. */
  hearOnlyWhatPforteHears(): Promise<void> {
    return filterEvents(this.#access)
  }

  async stop(): Promise<void> {
    this.#process.disconnect()
    await once(this.#process, 'exit')
    await stopAsterisk(this.#home)
    await removeHome(this.#home)
  }

  async #ask(message: BareMessage): Promise<BareAnswer> {
    const answer = once(this.#process, 'message')
    this.#process.send(message)
    return (await answer)[0] as BareAnswer
  }
}

function overHttp(access: AriAccess): CommandCarrier {
  return {
    async request(call) {
      const { method, uri } = asRequest(call)
      const response = await fetch(new URL(`ari/${uri}`, access.base), {
        method,
        headers: { authorization: access.authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ fields: call.fields }),
      })
      return { status: response.status, detail: await response.text(), body: undefined }
    },
  }
}
