/** The sending half of Pforte against a sink: outbox, sender and link as `main/` joins them, without a telephone. */
import { SmsSender } from '../../src/app/sms/sender.ts'
import type { SmsDefinition } from '../../src/domain/sms/definition.ts'
import { readServiceFile } from '../../src/main/service-file.ts'
import { openStore, type Store } from '../../src/store/open.ts'
import { parseAccounts } from '../../src/smpp/account.ts'
import { defaultLinkSettings } from '../../src/smpp/settings.ts'
import { SmscLink } from '../../src/smpp/smsc-link.ts'
import { freshDatabase, quiet, rules, type TestDatabase } from '../../test/support/postgres.ts'
import { join } from 'node:path'
import pg from 'pg'

export const WINDOW = 100
/** The event that is sent; an example of the default pforte.yaml. */
export const EVENT = 'payment.received'

export class PforteSide {
  readonly store: Store
  readonly db: pg.Pool
  readonly link: SmscLink
  /** Parts that the carrier took since the start. */
  accepted = 0
  readonly #sender: SmsSender
  readonly #database: TestDatabase

  private constructor(parts: { store: Store; db: pg.Pool; link: SmscLink; sender: SmsSender; database: TestDatabase }) {
    this.store = parts.store
    this.db = parts.db
    this.link = parts.link
    this.#sender = parts.sender
    this.#database = parts.database
    this.link.onResult(({ is }) => {
      if (is === 'accepted') this.accepted++
    })
  }

  /** @param smppUrl of the sink */
  static async start(smppUrl: string): Promise<PforteSide> {
    const database = await freshDatabase()
    const store = await openStore({ databaseUrl: database.url, secret: Buffer.alloc(32, 7), log: quiet, ...rules })
    await store.outbox.useSms(await definition(), Date.now())
    const accounts = parseAccounts(smppUrl)
    if ('problem' in accounts) throw new Error(accounts.problem)
    const link = new SmscLink({
      carriers: accounts.map((account) => ({ account, settings: { ...defaultLinkSettings, window: WINDOW } })),
      log: quiet,
    })
    link.onIncoming((incoming) => store.outbox.takeIncoming([incoming], Date.now()))
    const sender = new SmsSender({
      outbox: store.outbox,
      smsc: link,
      log: quiet,
      now: Date.now,
      encoding: () => ({ mostParts: 1, referenceBits: 16 }),
    })
    await sender.open()
    await bound(link)
    const db = new pg.Pool({ connectionString: database.url, max: 2 })
    // A connection that is still saying goodbye ends with the database.
    db.on('error', () => {})
    return new PforteSide({ store, db, link, sender, database })
  }

  /** Looks for what has become due without its being told. */
  kick(): void {
    this.#sender.kick()
  }

  async stop(): Promise<void> {
    await this.#sender.close()
    await this.store.close()
    await this.db.end()
    await this.#database.drop()
  }
}

/** The default one, which sends by night as well. */
async function definition(): Promise<SmsDefinition> {
  const { service } = await readServiceFile(join(import.meta.dirname, '../../pforte.yaml'), Date.now())
  if (service.sms === null) throw new Error('the default pforte.yaml sends SMS')
  const templates = Object.fromEntries(
    Object.entries(service.sms.templates).map(([name, template]) => [name, { ...template, window: 'always' as const }]),
  )
  return { ...service.sms, templates }
}

async function bound(link: SmscLink): Promise<void> {
  if (link.status.some(({ state }) => state === 'bound')) return
  await new Promise<void>((resolve) => link.onStatus(({ state }) => state === 'bound' && resolve()))
}
