/** A running hotline that many stories share, each with callers, PINs and agents of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { PromptStore } from '../../../src/app/prompts.ts'
import { cacheDir } from '../../../src/local/cache.ts'
import { Phone } from '../../../src/local/phone/phone.ts'
import { silent } from '../../../src/local/progress.ts'
import { openVoice } from '../../../src/local/voice/open.ts'
import { renderPrompts } from '../../../src/main/definitions.ts'
import { readServiceFile } from '../../../src/main/service-file.ts'
import { keptFile } from '../../support/kept.ts'
import { TestPforte, type Admitted, type PforteOptions } from '../../support/pforte.ts'
import { until } from '../../support/until.ts'
import { AgentAtPhone } from './agent.ts'
import { Caller } from './caller.ts'
import { agentOfTeam, definitionForStories, GREETING_FILE, queueOfTeam, TEAM_SIZE, TEAMS } from './definition.ts'
import { studioGreeting } from './greeting.ts'
import { leftOf } from './left-behind.ts'

export type Row = Record<string, any>
/** Whose end everybody leaves at: a test, or a round of a bench. */
export type Scope = { teardown(work: () => unknown): unknown; passing?(): boolean }
export type Team = { queue: string; agents: AgentAtPhone[] }

const ROWS_WITHIN_MS = 5_000

/** What stands in Postgres of calls, places in queues and agents, a line each. */
async function rowsOf({ db }: TestPforte): Promise<string> {
  const lines: string[] = []
  for (const question of [
    'SELECT * FROM calls ORDER BY started_at, id',
    'SELECT * FROM queue_entries ORDER BY entered_at, call_id',
    `SELECT id, state, reason, since, until_at, free_since, call_id, offer FROM agents WHERE state <> 'available' ORDER BY id`,
  ]) {
    // The story may be one of a Postgres that does not answer.
    const answer = db.query(question).catch((error: unknown) => ({ rows: [String(error)] }))
    const { rows } = await Promise.race([answer, wait(ROWS_WITHIN_MS, { rows: ['no answer'] })])
    lines.push(question, ...rows.map((row) => JSON.stringify(row)))
  }
  return lines.join('\n')
}

export class Hotline {
  readonly pforte: TestPforte
  /** Everything that was typed as a PIN, right or wrong: none of it may be found anywhere afterwards. */
  readonly secrets = new Set<string>()
  #prompts: Promise<Map<string, Buffer>> | null = null
  #passwords: Promise<Map<string, string>> | null = null
  #callers = 0
  #teams = 0

  private constructor(pforte: TestPforte) {
    this.pforte = pforte
  }

  static async open(t: Scope, options: PforteOptions): Promise<Hotline> {
    const pforte = await TestPforte.start({
      yaml: definitionForStories,
      ...options,
      files: { [GREETING_FILE]: studioGreeting() },
      environment: { LOG_LEVEL: 'debug', ...options.environment },
    })
    t.teardown(async () => {
      const isWell = t.passing?.() !== false
      const rows = isWell ? '' : await rowsOf(pforte)
      await pforte.stop()
      if (isWell) return
      const kept = keptFile(`pforte-log-${process.pid}.txt`)
      await writeFile(kept, `${pforte.output.join('\n')}\n\n${rows}`)
      console.error(`A story failed; what its Pforte logged and wrote down is in ${kept}`)
    })
    return new Hotline(pforte)
  }

  /** Somebody with a phone and a number of their own. */
  async caller(t: Scope, { number = this.freshNumber() }: { number?: string } = {}): Promise<Caller> {
    const phone = await Phone.open({ host: '127.0.0.1', user: 'caller' })
    t.teardown(() => phone.close())
    return new Caller(this, phone, number)
  }

  /** Somebody with a right PIN who has got into this queue. */
  async waitingCaller(t: Scope, queue: string): Promise<Caller> {
    const caller = await this.caller(t)
    await caller.dials()
    await caller.types((await this.admit({ queue })).pin)
    await caller.standsIn('waiting')
    return caller
  }

  /** Nobody else's: in Mannheim's range. */
  freshNumber(): string {
    return `+49621${String(7_000_000 + ++this.#callers)}`
  }

  /** Agents who share a queue that no other story uses; those wanted are registered and available, in this order. */
  async team(t: Scope, wanted = 1): Promise<Team> {
    const team = this.#teams++
    if (team >= TEAMS || wanted > TEAM_SIZE) throw new Error('more agents are wanted than the definition of the stories has')
    // Whoever has no phone would be offered callers every few seconds, and each time the next caller could be faster.
    for (let place = wanted; place < TEAM_SIZE; place++)
      await this.pforte.put(`/v1/agents/${agentOfTeam(team, place)}/state`, { state: 'offline' })
    const agents: AgentAtPhone[] = []
    for (let place = 0; place < wanted; place++) agents.push(await this.agent(t, agentOfTeam(team, place)))
    return { queue: queueOfTeam(team), agents }
  }

  async agent(t: Scope, id: string): Promise<AgentAtPhone> {
    const agent = new AgentAtPhone(this, id, await this.#registered(t, id))
    await agent.becomes('available')
    return agent
  }

  /** SIP user name and password of an agent. */
  async account(id: string): Promise<{ username: string; password: string }> {
    this.#passwords ??= this.pforte.agentPasswords()
    const password = (await this.#passwords).get(id)
    if (password === undefined) throw new Error(`there is no agent ${id}`)
    return { username: id, password }
  }

  /** A customer with a contract and a PIN, which is looked for in logs and rows at the end. */
  async admit(contract: Row = {}, customer: Row = {}): Promise<Admitted> {
    const admitted = await this.pforte.admit(contract, customer, this.freshPin())
    this.secrets.add(admitted.pin)
    return admitted
  }

  /** Five digits that nobody has. They begin with 0, which no port, process id or duration does, so that none is taken for a PIN. */
  freshPin(): string {
    for (;;) {
      const pin = `0${String(Math.floor(Math.random() * 10_000)).padStart(4, '0')}`
      if (this.secrets.has(pin) || /^(\d)\1+$/.test(pin) || pin === '01234' || pin === '09876') continue
      this.secrets.add(pin)
      return pin
    }
  }

  /** The sound of a prompt, as callers hear it. */
  async prompt(name: string, language = 'de'): Promise<Buffer> {
    this.#prompts ??= this.#readPrompts()
    const sound = (await this.#prompts).get(`${name} ${language}`)
    if (sound === undefined) throw new Error(`pforte.yaml has no prompt ${name} in ${language}`)
    return sound
  }

  get = (path: string): Promise<Row> => this.pforte.get(path)

  /** Calls that the API shows, newest first. */
  async calls(query: Record<string, string>): Promise<Row[]> {
    return (await this.get(`/v1/calls?${new URLSearchParams(query)}`))['items']
  }

  /** The call is over for everybody: no channel, bridge, reservation or place in a queue is left of it. */
  async isGone(call: Row): Promise<void> {
    await until(`nothing to be left of call ${call['id']}`, async () => {
      const left = await leftOf(this.pforte, call['id'])
      if (left.length > 0) throw new Error(`there is still: ${left.join(', ')}`)
      return true
    })
  }

  async #registered(t: Scope, id: string): Promise<Phone> {
    const { username: user, password } = await this.account(id)
    const phone = await Phone.open({ host: '127.0.0.1', user, password, registrar: this.pforte.sip })
    t.teardown(async () => {
      await this.pforte.put(`/v1/agents/${id}/state`, { state: 'offline' })
      await phone.close()
    })
    await until(`the SIP account of ${id} to be known`, () => phone.register().then(() => true))
    return phone
  }

  /** Pforte has rendered them at its start, so that they are only found here. */
  async #readPrompts(): Promise<Map<string, Buffer>> {
    const { PFORTE_CONFIG = '', PFORTE_HOME = '' } = this.pforte.environment
    const { service } = await readServiceFile(PFORTE_CONFIG, Date.now())
    const voice = await openVoice({ cacheDir: await cacheDir(), progress: silent })
    const store = new PromptStore({ folder: join(PFORTE_HOME, 'prompts'), voice })
    try {
      const sounds = new Map<string, Buffer>()
      const { byName } = await renderPrompts(service, store)
      for (const [name, languages] of Object.entries(byName)) {
        for (const [language, hash] of Object.entries(languages)) {
          const prompt = await store.get(hash)
          if (prompt !== undefined) sounds.set(`${name} ${language}`, prompt.wav)
        }
      }
      return sounds
    } finally {
      await store.close()
      await voice.close()
    }
  }
}
