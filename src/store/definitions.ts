/**
 * Brings what `pforte.yaml` defines into the database, in one transaction with
 * a version. The file owns these rows; what happens (contracts, callers, agent
 * states) points at them and must not be left hanging: a queue that is still
 * used goes only when `replaces` names the one that takes its place.
 */
import { sql, type Transaction } from 'kysely'
import type { AgentDefinition, Definitions } from '../app/ports/store.ts'
import { drawPassword } from './agents.ts'
import type { Connections } from './connections.ts'
import type { Keys } from './keys.ts'
import { moment, type Schema } from './schema.ts'

/** A call's row is written behind its back, so a flow is kept this long after it was replaced, whoever uses it. */
const keepFlowsMs = 24 * 3600 * 1000
/** Entries are only kept so that a call's offers are not numbered twice. */
const keepLeftEntriesMs = 24 * 3600 * 1000

export type SyncResult = { version: number; problems: string[] }

export class DefinitionsSync {
  readonly #connections: Connections
  readonly #keys: Keys

  constructor(connections: Connections, keys: Keys) {
    this.#connections = connections
    this.#keys = keys
  }

  /** With problems nothing is written and the older definitions stay. */
  sync(definitions: Definitions, at: number): Promise<SyncResult> {
    return this.#connections.kyselyTransaction(async (transaction) => {
      // Holds off dispatch and a second sync until this one is done.
      await transaction.selectFrom('queue_groups').selectAll().orderBy('name').forUpdate().execute()
      await sql`LOCK TABLE definitions IN SHARE ROW EXCLUSIVE MODE`.execute(transaction)
      const problems = [...agentsAcrossGroups(definitions), ...(await queuesInUse(transaction, definitions))]
      if (problems.length > 0) return { version: await currentVersion(transaction), problems }
      await syncQueues(transaction, definitions)
      await this.#syncAgents(transaction, definitions.agents, at)
      await syncLines(transaction, definitions)
      await syncAnnouncements(transaction, definitions.announcements, at)
      await syncFlows(transaction, definitions, at)
      await transaction
        .deleteFrom('queue_entries')
        .where('state', '=', 'left')
        .where('left_at', '<', moment(at - keepLeftEntriesMs))
        .execute()
      return { version: await writeVersion(transaction, definitions.hash, at), problems: [] }
    })
  }

  async #syncAgents(transaction: Transaction<Schema>, agents: AgentDefinition[], at: number): Promise<void> {
    const known = new Set((await transaction.selectFrom('agents').select('id').execute()).map(({ id }) => id))
    for (const agent of agents) {
      const { id, name, endpoint, skills } = agent
      if (known.has(id)) {
        await transaction.updateTable('agents').set({ name, endpoint, skills, removed_at: null }).where('id', '=', id).execute()
      } else {
        const time = new Date(at)
        const sealed = this.#keys.seal(drawPassword(), id)
        await transaction
          .insertInto('agents')
          .values({ id, name, endpoint, skills, sealed_password: sealed, state: 'available', since: time, free_since: time })
          .execute()
      }
    }
    // Their rows stay: whoever talks is not cut off, and whoever comes back has the same password.
    const ids = agents.map(({ id }) => id)
    await transaction
      .updateTable('agents')
      .set({ removed_at: new Date(at) })
      .where('removed_at', 'is', null)
      .where(sql<boolean>`NOT id = ANY (${ids})`)
      .execute()
    await transaction.deleteFrom('agent_queues').execute()
    const memberships = agents.flatMap(({ id, queues }) => [...new Set(queues)].map((queue) => ({ agent_id: id, queue })))
    if (memberships.length > 0) await transaction.insertInto('agent_queues').values(memberships).execute()
  }
}

/** Dispatch holds one group's lock; an agent of two groups could be given away twice. */
function agentsAcrossGroups({ agents, queues }: Definitions): string[] {
  const groupOf = new Map(queues.map(({ name, group }) => [name, group]))
  return agents.flatMap(({ id, queues: served }) => {
    const unknown = served.filter((queue) => !groupOf.has(queue))
    if (unknown.length > 0) return [`Agent ${id} serves ${unknown.join(', ')}, which is no queue.`]
    const groups = new Set(served.map((queue) => groupOf.get(queue)))
    return groups.size > 1
      ? [`Agent ${id} serves queues of different groups (${[...groups].join(', ')}); queues that share agents form one group.`]
      : []
  })
}

/** A queue may go if nothing points at it, or if another takes its place. */
async function queuesInUse(transaction: Transaction<Schema>, { queues, replaces }: Definitions): Promise<string[]> {
  const names = queues.map(({ name }) => name)
  const { rows: vanishing } = await sql<{ name: string; contracts: number; callers: number }>`
    SELECT q.name, (SELECT count(*) FROM contracts c WHERE c.queue = q.name) AS contracts,
      (SELECT count(*) FROM queue_entries e WHERE e.queue = q.name AND e.state <> 'left') AS callers
    FROM queues q WHERE NOT q.name = ANY (${names}) ORDER BY q.name`.execute(transaction)
  return vanishing.flatMap(({ name, contracts, callers }) => {
    const heir = replaces[name]
    if (heir !== undefined) return names.includes(heir) ? [] : [`Queue ${name} is replaced by ${heir}, which is no queue.`]
    if (contracts === 0 && callers === 0) return []
    return [
      `Queue ${name} cannot go: ${used(contracts, 'contract')} and ${used(callers, 'caller')} still use it. Keep it, or name the queue that takes its place with "replaces: ${name}".`,
    ]
  })
}

function used(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

async function syncQueues(transaction: Transaction<Schema>, { queues, replaces }: Definitions): Promise<void> {
  for (const group of new Set(queues.map((queue) => queue.group))) {
    await transaction
      .insertInto('queue_groups')
      .values({ name: group })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  for (const { name, group, maxWaiting, wrapUpMs, priorityWeightMs } of queues) {
    const settings = { group_name: group, max_waiting: maxWaiting, wrap_up_ms: wrapUpMs, priority_weight_ms: priorityWeightMs }
    await transaction
      .insertInto('queues')
      .values({ name, ...settings })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(settings))
      .execute()
  }
  for (const [old, heir] of Object.entries(replaces)) {
    if (queues.some(({ name }) => name === old)) continue
    await transaction.updateTable('contracts').set({ queue: heir }).where('queue', '=', old).execute()
    await transaction.updateTable('queue_entries').set({ queue: heir }).where('queue', '=', old).where('state', '<>', 'left').execute()
    await transaction.updateTable('queue_replacements').set({ queue: heir }).where('queue', '=', old).execute()
    await transaction
      .insertInto('queue_replacements')
      .values({ old_name: old, queue: heir })
      .onConflict((conflict) => conflict.column('old_name').doUpdateSet({ queue: heir }))
      .execute()
  }
  const names = queues.map(({ name }) => name)
  await sql`DELETE FROM queues WHERE NOT name = ANY (${names})`.execute(transaction)
  // A name that is a queue again stands for itself.
  await sql`DELETE FROM queue_replacements WHERE old_name = ANY (${names})`.execute(transaction)
  await sql`DELETE FROM queue_groups g WHERE NOT EXISTS (SELECT FROM queues q WHERE q.group_name = g.name)`.execute(transaction)
}

async function syncLines(transaction: Transaction<Schema>, { lines }: Definitions): Promise<void> {
  await transaction.deleteFrom('lines').execute()
  if (lines.length > 0)
    await transaction
      .insertInto('lines')
      .values(lines.map(({ name, numbers, flow, language }) => ({ name, numbers, flow, language })))
      .execute()
}

async function syncAnnouncements(transaction: Transaction<Schema>, names: string[], at: number): Promise<void> {
  const time = new Date(at)
  for (const name of names) {
    await transaction
      .insertInto('announcements')
      .values({ name, updated_at: time })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ removed_at: null }))
      .execute()
  }
  await transaction
    .updateTable('announcements')
    .set({ removed_at: time, is_on: false })
    .where('removed_at', 'is', null)
    .where(sql<boolean>`NOT name = ANY (${names})`)
    .execute()
}

/** Old flows go once no call walks them. */
async function syncFlows(transaction: Transaction<Schema>, { flows }: Definitions, at: number): Promise<void> {
  for (const { hash, flow, prompts } of flows) {
    const kept = { flow: JSON.stringify(flow), prompts: JSON.stringify(prompts), superseded_at: null }
    await transaction
      .insertInto('flows')
      .values({ hash, ...kept })
      .onConflict((conflict) => conflict.column('hash').doUpdateSet({ prompts: kept.prompts, superseded_at: null }))
      .execute()
  }
  const hashes = flows.map(({ hash }) => hash)
  await transaction
    .updateTable('flows')
    .set({ superseded_at: new Date(at) })
    .where('superseded_at', 'is', null)
    .where(sql<boolean>`NOT hash = ANY (${hashes})`)
    .execute()
  await transaction
    .deleteFrom('flows')
    .where('superseded_at', '<', moment(at - keepFlowsMs))
    .where(sql<boolean>`NOT EXISTS (SELECT FROM calls c WHERE c.flow_hash = flows.hash AND c.ended_at IS NULL)`)
    .execute()
}

async function currentVersion(transaction: Transaction<Schema>): Promise<number> {
  const newest = await transaction.selectFrom('definitions').select('version').orderBy('version', 'desc').limit(1).executeTakeFirst()
  return newest?.version ?? 0
}

/** The same file again is no new version. */
async function writeVersion(transaction: Transaction<Schema>, hash: string, at: number): Promise<number> {
  const newest = await transaction
    .selectFrom('definitions')
    .select(['version', 'hash'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (newest?.hash === hash) return newest.version
  const written = await transaction
    .insertInto('definitions')
    .values({ hash, synced_at: new Date(at) })
    .returning('version')
    .executeTakeFirstOrThrow()
  return written.version
}
