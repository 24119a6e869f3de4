/**
 * A whole Pforte for one test: its own private Asterisk, its own database, its
 * own process, which can be killed and started again.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { Phone } from '../../src/local/phone/phone.ts'
import { stopAsterisk } from '../../src/local/asterisk.ts'
import { removeHome } from '../../src/local/home.ts'
import { freePort } from '../../src/local/ports.ts'
import { stopPostgres } from '../../src/local/postgres.ts'
import { openStore } from '../../src/store/open.ts'
import { freshDatabase, quiet, rules } from './postgres.ts'
import { rtpSlot } from './rtp-slot.ts'
import { until } from './until.ts'

const ROOT = join(import.meta.dirname, '../..')
/** An empty variable counts as not set, whatever the tests themselves are run with. */
const NOTHING_CONFIGURED = { DATABASE_URL: '', ARI_URL: '', ARI_USER: '', ARI_PASSWORD: '', PFORTE_API_KEY: '', PFORTE_SECRET: '' }
const NOBODYS_DATABASE = 'postgres://nobody@127.0.0.1:9/none'

export type PforteOptions = {
  transport?: 'websocket' | 'ari-client'
  /** Changes the default pforte.yaml. */
  yaml?: (text: string) => string
  /** What lies beside pforte.yaml: audio files of prompts. */
  files?: Record<string, Buffer>
  environment?: Record<string, string>
  /** Nothing is configured but what keeps tests apart: Postgres is embedded (and not to be had as `db`), key and secret are Pforte's own. */
  newcomer?: boolean
  /** What Node is started with. */
  command?: string[]
}

export type Admitted = { pin: string; pinId: string; contractId: string; customerId: string; customerNumber: string }
type Json = Record<string, any>

export class TestPforte {
  readonly home: string
  readonly environment: Record<string, string>
  readonly url: string
  readonly sip: { host: string; port: number }
  readonly db: pg.Pool
  readonly output: string[] = []
  readonly #command: string[]
  readonly #phones: Phone[] = []
  readonly #cleanUps: (() => Promise<unknown>)[] = []
  #process: ChildProcess | null = null

  private constructor(home: string, environment: Record<string, string>, db: pg.Pool, command = ['src/cli.ts', 'serve']) {
    this.home = home
    this.#command = command
    this.environment = environment
    this.url = `http://127.0.0.1:${environment['HTTP_PORT']}`
    this.sip = { host: '127.0.0.1', port: Number(environment['SIP_PORT']) }
    this.db = db
    // Its idle connections end with the database; whoever asks for something hears of it from the query.
    db.on('error', () => {})
  }

  /** Started and ready; ended by `stop`. */
  static async start(options: PforteOptions = {}): Promise<TestPforte> {
    const home = await mkdtemp(join(tmpdir(), 'pforte-e2e-'))
    const slot = await rtpSlot()
    const database = options.newcomer === true ? null : await freshDatabase()
    const environment: Record<string, string> = {
      PFORTE_HOME: join(home, 'home'),
      PFORTE_CONFIG: join(home, 'pforte.yaml'),
      HTTP_PORT: String(await freePort()),
      SIP_PORT: String(await freePort()),
      RTP_PORTS: `${slot.ports.from}-${slot.ports.to}`,
      ...(database === null
        ? NOTHING_CONFIGURED
        : { DATABASE_URL: database.url, PFORTE_API_KEY: 'a-key-for-this-test-only', PFORTE_SECRET: 'a-secret-for-this-test-only' }),
      ...(options.transport === undefined ? {} : { ARI_TRANSPORT: options.transport }),
      ...options.environment,
    }
    const db = new pg.Pool({ connectionString: database?.url ?? NOBODYS_DATABASE, max: 2 })
    const pforte = new TestPforte(home, environment, db, options.command)
    pforte.#cleanUps.push(
      async () => database?.drop(),
      () => slot.free(),
      // What the embedded parts keep is elsewhere for root.
      () => removeHome(join(home, 'home')),
      () => rm(home, { recursive: true, force: true }),
    )
    await mkdir(join(home, 'home'), { mode: 0o700 })
    const rendered = process.env['PFORTE_TEST_PROMPTS']
    if (rendered !== undefined) await cp(rendered, join(home, 'home', 'prompts'), { recursive: true })
    const yaml = await readFile(join(ROOT, 'pforte.yaml'), 'utf8')
    for (const [name, content] of Object.entries(options.files ?? {})) await writeFile(join(home, name), content)
    await pforte.writeYaml((options.yaml ?? ((text) => text))(yaml))
    try {
      await pforte.run()
    } catch (error) {
      await pforte.stop()
      throw error
    }
    return pforte
  }

  async writeYaml(text: string): Promise<void> {
    await writeFile(join(this.home, 'pforte.yaml'), text)
  }

  async readYaml(): Promise<string> {
    return readFile(join(this.home, 'pforte.yaml'), 'utf8')
  }

  /** Starts the process; settles when its card is printed, which is when calls are taken. */
  async run(): Promise<void> {
    const child = spawn(process.execPath, this.#command, {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '', ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      const take = (line: string): void => {
        this.output.push(line)
        if (line.startsWith('Pforte is ready')) resolve()
      }
      createInterface({ input: child.stdout }).on('line', take)
      createInterface({ input: child.stderr }).on('line', take)
      child.on('exit', (code, signal) =>
        reject(new Error(`Pforte ended (${code ?? signal}) before it was ready:\n${this.output.slice(-20).join('\n')}`)),
      )
    })
  }

  /** As if the power of Node alone had failed. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  async terminate(): Promise<void> {
    await this.end('SIGTERM')
  }

  /** @returns the exit code; null if the signal itself was the end, or nothing ran */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process
    if (child === null || !this.isRunning) return null
    child.kill(signal)
    return this.ended()
  }

  /** Waits for the end of a process that somebody else ends. @returns its exit code */
  async ended(): Promise<number | null> {
    const child = this.#process
    if (child === null || !this.isRunning) return child?.exitCode ?? null
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  }

  get isRunning(): boolean {
    return this.#process !== null && this.#process.exitCode === null && this.#process.signalCode === null
  }

  async stop(): Promise<void> {
    await Promise.all(this.#phones.map((phone) => phone.close().catch(() => {})))
    if (this.isRunning) await this.terminate()
    await stopAsterisk(join(this.home, 'home'))
    await stopPostgres(join(this.home, 'home'))
    await this.db.end()
    for (const cleanUp of this.#cleanUps) await cleanUp()
  }

  lineUri(line = 'hotline'): string {
    return `sip:${line}@${this.sip.host}:${this.sip.port}`
  }

  /** A caller's phone. */
  async phone(user = 'caller'): Promise<Phone> {
    const phone = await Phone.open({ host: '127.0.0.1', user })
    this.#phones.push(phone)
    return phone
  }

  /** An agent's phone, registered, the agent available. */
  async agent(name = 'anna'): Promise<Phone> {
    const { username, password } = JSON.parse(await this.cli(['agent', 'password', name, '--json'])) as Json
    const phone = await Phone.open({ host: '127.0.0.1', user: username, password, registrar: this.sip })
    this.#phones.push(phone)
    await until(`the SIP account of ${name} to be known`, () => phone.register().then(() => true))
    await this.put(`/v1/agents/${name}/state`, { state: 'available' })
    return phone
  }

  /** Agent id → SIP password. Straight from the database: `pforte agent password` would draw new ones, one process each. */
  async agentPasswords(): Promise<Map<string, string>> {
    const { DATABASE_URL = '', PFORTE_SECRET = '' } = this.environment
    const secret = Buffer.from(PFORTE_SECRET)
    const store = await openStore({ databaseUrl: DATABASE_URL, secret, log: quiet, ...rules })
    try {
      return await store.calls.agentPasswords()
    } finally {
      await store.close()
    }
  }

  async cli(args: string[]): Promise<string> {
    const { code, out, err } = await this.command(args)
    if (code !== 0) throw new Error(`pforte ${args.join(' ')} ended with ${code}: ${err}`)
    return out
  }

  /** `npx pforte …` in the surroundings of this one. */
  async command(args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, ['src/cli.ts', ...args], {
      cwd: ROOT,
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (err += data.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, out, err }
  }

  /** A customer with a contract and a PIN, drawn by Pforte or this one. */
  async admit(contract: Json = {}, customer: Json = {}, pin?: string): Promise<Admitted> {
    const made = await this.post('/v1/customers', { name: 'Muster GmbH', numbers: [], ...customer })
    const bought = await this.post(`/v1/customers/${made['id']}/contracts`, { service: 'Premium', hours: 'always', ...contract })
    const issued = await this.post(`/v1/contracts/${bought['id']}/pins`, pin === undefined ? {} : { pin })
    return {
      pin: issued['pin'],
      pinId: issued['id'],
      contractId: bought['id'],
      customerId: made['id'],
      customerNumber: made['customerNumber'],
    }
  }

  async request(method: string, path: string, body?: Json): Promise<{ status: number; body: Json }> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.environment['PFORTE_API_KEY'] || (await this.#keyOfItsOwn())}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as Json) : { text } }
  }

  get = (path: string): Promise<Json> => this.#good('GET', path)
  post = (path: string, body: Json): Promise<Json> => this.#good('POST', path, body)
  put = (path: string, body: Json): Promise<Json> => this.#good('PUT', path, body)

  /** The newest call, as the API shows it. */
  async lastCall(): Promise<Json> {
    return (await this.get('/v1/calls'))['items'][0]
  }

  /** Waits until the API shows the newest call as over. */
  async callEnded(): Promise<Json> {
    return until('the call to be over in the API', async () => {
      const call = await this.lastCall()
      return call?.['endedAt'] != null ? call : null
    })
  }

  async tickets(): Promise<Json[]> {
    return (await this.get('/v1/tickets'))['items']
  }

  /** The sound of a prompt, as callers hear it. */
  async prompt(name: string, language = 'de'): Promise<Buffer> {
    const { rows } = await this.db.query<{ hash: string | null }>(
      'SELECT prompts -> $1 ->> $2 AS hash FROM flows ORDER BY 1 DESC NULLS LAST LIMIT 1',
      [name, language],
    )
    const hash = rows[0]?.hash
    if (hash == null) throw new Error(`the flow has no prompt ${name} in ${language}`)
    return readFile(join(this.home, 'home', 'prompts', `${hash}.wav`))
  }

  async #good(method: string, path: string, body?: Json): Promise<Json> {
    const answer = await this.request(method, path, body)
    if (answer.status >= 400) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async #keyOfItsOwn(): Promise<string> {
    return (await readFile(join(this.home, 'home', 'api-key'), 'utf8')).trim()
  }
}
