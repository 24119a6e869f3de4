/** A whole Pforte for a bench: the one of the tests, with a team of agents whose phones can register. */
import { readRunningPforte, type ProcessFigures } from './process-figures.ts'
import { TestPforte } from '../../test/support/pforte.ts'
import { benchService, type BenchService } from './service.ts'

export type SipAccount = { user: string; password: string }

export class BenchPforte {
  readonly pforte: TestPforte
  readonly accounts: ReadonlyMap<string, SipAccount>

  private constructor(pforte: TestPforte, accounts: Map<string, SipAccount>) {
    this.pforte = pforte
    this.accounts = accounts
  }

  static async start(service: BenchService, environment: Record<string, string> = {}): Promise<BenchPforte> {
    const pforte = await TestPforte.start({
      yaml: (text) => benchService(text, service),
      environment: { LOG_LEVEL: 'info', ...environment },
    })
    try {
      const passwords = await pforte.agentPasswords()
      return new BenchPforte(pforte, new Map([...passwords].map(([id, password]) => [id, { user: id, password }])))
    } catch (error) {
      await pforte.stop()
      throw error
    }
  }

  /** Accounts of one team, `a` or `b`. */
  team(letter: 'a' | 'b'): SipAccount[] {
    return [...this.accounts].filter(([id]) => id.startsWith(`${letter}-`)).map(([, account]) => account)
  }

  get lineUri(): string {
    return this.pforte.lineUri()
  }

  /** What Node's process has used so far, by its own count. */
  async figures(): Promise<ProcessFigures> {
    const { body } = await this.pforte.request('GET', '/metrics')
    return readRunningPforte(String(body['text']))
  }

  stop(): Promise<void> {
    return this.pforte.stop()
  }
}
