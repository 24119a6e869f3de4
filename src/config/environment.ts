/** The environment variables that Pforte reads: one table, checked before anything starts. */
import { homedir } from 'node:os'
import { resolve } from 'node:path'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const transports = ['websocket', 'ari-client'] as const

export type Environment = {
  /** Absolute; everything that the embedded parts keep. */
  home: string
  /** Absolute path of `pforte.yaml`. */
  configFile: string
  http: { host: string; port: number }
  /** How Asterisk reaches the prompts; without a slash at its end. */
  promptUrl: string
  sip: { host: string; port: number }
  rtp: { from: number; to: number }
  /** Of embedded parts; null: a free one, kept for the next start. */
  ports: { ari: number | null; postgres: number | null; smsc: number | null }
  /** Null: the embedded Postgres. */
  databaseUrl: string | null
  /** Null: the private Asterisk. `transport` null: the best that the server can. */
  ari: { url: string; user: string; password: string } | null
  ariTransport: (typeof transports)[number] | null
  /** In order of preference. Empty: the simulator. */
  smppUrls: string[]
  /** Null: made once and kept in `home`. */
  secret: string | null
  apiKey: string | null
  logLevel: (typeof logLevels)[number]
}

export type EnvironmentProblem = { name: string; message: string; hint: string }

export type EnvironmentLoaded = { ok: true; environment: Environment } | { ok: false; problems: EnvironmentProblem[] }

/** The process's exit code when environment or `pforte.yaml` are wrong. */
export const configurationIsWrong = 2

const leastSecretLetters = 16

/**
 * Reads the variables of `env`; an empty one counts as not set. All mistakes come at once. What may
 * hold a password is never repeated in a message.
 */
export function loadEnvironment(env: Readonly<Record<string, string | undefined>>, folder = process.cwd()): EnvironmentLoaded {
  const problems: EnvironmentProblem[] = []
  const wrong = (name: string, message: string, hint: string): void => {
    problems.push({ name, message, hint })
  }
  const given = (name: string): string | null => env[name]?.trim() || null

  const path = (name: string, byDefault: string): string => {
    const written = given(name) ?? byDefault
    return resolve(folder, written.startsWith('~/') ? `${homedir()}${written.slice(1)}` : written)
  }
  const port = <Default extends number | null>(name: string, byDefault: Default): number | Default => {
    const written = given(name)
    if (written === null) return byDefault
    const number = portNumber(written)
    if (number === null) wrong(name, `"${written}" is not a port`, 'Write a number from 1 to 65535.')
    return number ?? byDefault
  }
  const host = (name: string): string => {
    const written = given(name) ?? '127.0.0.1'
    if (!/^[A-Za-z0-9.:_-]+$/.test(written))
      wrong(name, `"${written}" is not an address`, 'Write an IP address or a host name without port: 127.0.0.1.')
    return written
  }
  const url = (name: string, written: string | null, protocols: string[], example: string): string | null => {
    if (written === null) return null
    const parsed = URL.parse(written)
    if (parsed === null || !protocols.includes(parsed.protocol) || (parsed.hostname === '' && name !== 'DATABASE_URL')) {
      wrong(name, 'this is not an address that can be used', `Write it as ${example}.`)
      return null
    }
    return written
  }
  const oneOf = <Value extends string>(name: string, known: readonly Value[]): Value | null => {
    const written = given(name)
    const value = known.find((each) => each === written) ?? null
    if (written !== null && value === null) wrong(name, `"${written}" is not known`, `Write one of: ${known.join(', ')}.`)
    return value
  }
  const secret = (name: string): string | null => {
    const written = given(name)
    if (written !== null && written.length < leastSecretLetters) {
      wrong(
        name,
        `it is shorter than ${leastSecretLetters} letters`,
        'Draw one: openssl rand -hex 32. Or leave it away, and Pforte makes its own.',
      )
    }
    return written
  }

  const http = { host: host('HTTP_HOST'), port: port('HTTP_PORT', 8080) }
  const promptUrl = url('PROMPT_URL', given('PROMPT_URL'), ['http:', 'https:'], `http://10.0.0.5:${http.port}/prompts`)
  const environment: Environment = {
    home: path('PFORTE_HOME', '.pforte'),
    configFile: path('PFORTE_CONFIG', 'pforte.yaml'),
    http,
    promptUrl: (promptUrl ?? `http://127.0.0.1:${http.port}/prompts`).replace(/\/+$/, ''),
    sip: { host: host('SIP_HOST'), port: port('SIP_PORT', 5060) },
    rtp: rtpPorts(),
    ports: { ari: port('ARI_PORT', null), postgres: port('POSTGRES_PORT', null), smsc: port('SMSC_PORT', null) },
    databaseUrl: url('DATABASE_URL', given('DATABASE_URL'), ['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/pforte'),
    ari: ari(),
    ariTransport: oneOf('ARI_TRANSPORT', transports),
    smppUrls: (given('SMPP_URL')?.split(',') ?? []).flatMap(
      (each) => url('SMPP_URL', each.trim(), ['smpp:', 'ssmpp:'], 'smpp://user:password@host:2775, several with commas') ?? [],
    ),
    secret: secret('PFORTE_SECRET'),
    apiKey: secret('PFORTE_API_KEY'),
    logLevel: oneOf('LOG_LEVEL', logLevels) ?? 'info',
  }
  return problems.length === 0 ? { ok: true, environment } : { ok: false, problems }

  function rtpPorts(): { from: number; to: number } {
    const written = given('RTP_PORTS') ?? '10000-19999'
    const [from, to] = /^(\d+)-(\d+)$/.exec(written)?.slice(1).map(portNumber) ?? []
    // A call takes two ports a leg, one for RTP and one for RTCP.
    if (from != null && to != null && from >= 1024 && to - from >= 3) return { from, to }
    wrong('RTP_PORTS', `"${written}" is not a range of ports`, 'Write first and last, from 1024 on and at least four: 10000-19999.')
    return { from: 10_000, to: 19_999 }
  }

  function ari(): Environment['ari'] {
    const address = url('ARI_URL', given('ARI_URL'), ['http:', 'https:'], 'http://10.0.0.5:8088')
    const user = given('ARI_USER')
    const password = given('ARI_PASSWORD')
    if (given('ARI_URL') === null) {
      for (const name of ['ARI_USER', 'ARI_PASSWORD']) {
        if (given(name) !== null)
          wrong(name, 'it is set, but ARI_URL is not', 'Set ARI_URL to your Asterisk, or take it away to use the private one.')
      }
      return null
    }
    if (user === null) wrong('ARI_USER', 'it is missing beside ARI_URL', 'Set it to the user of ari.conf.')
    if (password === null) wrong('ARI_PASSWORD', 'it is missing beside ARI_URL', 'Set it to the password of that user in ari.conf.')
    return address !== null && user !== null && password !== null ? { url: address, user, password } : null
  }
}

/** One line for each mistake, with the way out. */
export function formatEnvironmentProblems(problems: readonly EnvironmentProblem[]): string {
  return problems.map(({ name, message, hint }) => `${name}: ${message}. ${hint}`).join('\n')
}

function portNumber(written: string): number | null {
  const number = /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN
  return number >= 1 && number <= 65_535 ? number : null
}
