import { SCOPES, type Scope } from '../app/ports/api-keys.ts'
import { configurationIsWrong } from '../config.ts'
import { showKey } from '../http/show-key.ts'
import { PartFailure } from '../local/part-failure.ts'
import { whoTypes, withStore } from './surroundings.ts'

export type KeyOrder = { name: string; scope: string[]; expires?: string; rate?: string; json?: boolean }

/** The key goes to standard output and nowhere else; it is shown this once. */
export async function keyCreate({ name, scope, expires, rate, json }: KeyOrder): Promise<number> {
  const scopes = scope.flatMap((list) => list.split(',')).map(scopeOf)
  const requestsPerMinute = rate === undefined ? null : rateOf(rate)
  return withStore(async ({ store, service }) => {
    const expiresAt = expires === undefined ? null : endOf(expires, service.timeZone)
    const made = await store.writing.asOne(whoTypes(), () =>
      store.apiKeys.create({ name, scopes, expiresAt, requestsPerMinute }, Date.now()),
    )
    if (!made.ok)
      throw wrong(`${made.refusal.field ?? 'it'}: ${made.refusal.message}`, 'npx pforte key create --help shows how it is written.')
    const key = made.value
    if (json === true) {
      console.log(JSON.stringify({ ...showKey(key), key: key.key }))
    } else {
      const until = key.expiresAt === null ? 'does not expire' : `expires at ${showKey(key).expiresAt}`
      console.error(`Key ${key.id} "${key.name}" with ${key.scopes.join(', ')}; ${until}. It is shown this once:`)
      console.log(key.key)
    }
    return 0
  })
}

function scopeOf(text: string): Scope {
  const scope = SCOPES.find((one) => one === text.trim())
  if (scope === undefined) throw wrong(`"${text}" is no scope`, `There are ${SCOPES.join(', ')}; admin may do everything.`)
  return scope
}

function rateOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrong(`"${text}" is no number of requests a minute`, 'Write a whole number, such as --rate 600.')
  return Number(text)
}

/** A day is good until its end. */
function endOf(text: string, timeZone: string): number {
  try {
    return /^\d{4}-\d\d-\d\d$/.test(text)
      ? Temporal.PlainDate.from(text, { overflow: 'reject' }).add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds
      : Temporal.Instant.from(text).epochMilliseconds
  } catch {
    // A RangeError is Temporal's only way to say that it is no time.
    throw wrong(`"${text}" is no day and no time`, 'Write --expires 2027-12-31, or with time and zone: 2027-12-31T18:00:00+01:00.')
  }
}

function wrong(what: string, mend: string): PartFailure {
  return new PartFailure({ part: 'key', what, mend, exitCode: configurationIsWrong })
}
