import t from 'tap'
import { formatEnvironmentProblems, loadEnvironment } from '../../src/config.ts'
import type { Environment } from '../../src/config.ts'

function environmentOf(env: Record<string, string>): Environment {
  const loaded = loadEnvironment(env, '/srv/pforte')
  if (!loaded.ok) throw new Error(formatEnvironmentProblems(loaded.problems))
  return loaded.environment
}

function complaintsAbout(env: Record<string, string>): string {
  const loaded = loadEnvironment(env, '/srv/pforte')
  return loaded.ok ? '' : formatEnvironmentProblems(loaded.problems)
}

t.test('nothing set: everything is embedded', async (t) => {
  t.same(environmentOf({}), {
    home: '/srv/pforte/.pforte',
    configFile: '/srv/pforte/pforte.yaml',
    http: { host: '127.0.0.1', port: 8080 },
    promptUrl: 'http://127.0.0.1:8080/prompts',
    sip: { host: '127.0.0.1', port: 5060 },
    rtp: { from: 10_000, to: 19_999 },
    ports: { ari: null, postgres: null, smsc: null },
    databaseUrl: null,
    ari: null,
    ariTransport: null,
    smppUrls: [],
    secret: null,
    apiKey: null,
    logLevel: 'info',
  })
})

t.test('a telco with its own Asterisk and Postgres', async (t) => {
  const environment = environmentOf({
    HTTP_PORT: '9000',
    PROMPT_URL: 'http://10.0.0.5:9000/prompts/',
    DATABASE_URL: 'postgres://pforte:geheim@db/pforte',
    ARI_URL: 'https://pbx:8089',
    ARI_USER: 'pforte',
    ARI_PASSWORD: 'auch geheim',
    ARI_TRANSPORT: 'ari-client',
    SMPP_URL: 'ssmpp://a:b@one:2775, smpp://a:b@two:2775',
    RTP_PORTS: '20000-20099',
    LOG_LEVEL: 'debug',
    PFORTE_HOME: '/var/lib/pforte',
    POSTGRES_PORT: '5433',
  })
  t.equal(environment.promptUrl, 'http://10.0.0.5:9000/prompts', 'without the slash at its end')
  t.same(environment.ari, { url: 'https://pbx:8089', user: 'pforte', password: 'auch geheim' })
  t.same(environment.smppUrls, ['ssmpp://a:b@one:2775', 'smpp://a:b@two:2775'])
  t.same(environment.rtp, { from: 20_000, to: 20_099 })
  t.match(environment, { ariTransport: 'ari-client', logLevel: 'debug', home: '/var/lib/pforte', ports: { postgres: 5433 } })
})

t.test('an empty variable is one that is not set', async (t) => {
  t.match(environmentOf({ HTTP_PORT: '', DATABASE_URL: ' ', ARI_URL: '' }), { http: { port: 8080 }, databaseUrl: null, ari: null })
})

t.test('mistakes are told all at once, a line each, with the way out', async (t) => {
  const said = complaintsAbout({
    HTTP_PORT: '80800',
    SIP_PORT: 'sip',
    RTP_PORTS: '20000',
    LOG_LEVEL: 'loud',
    ARI_TRANSPORT: 'http',
    HTTP_HOST: 'http://here',
  })
  t.same(
    said
      .split('\n')
      .map((line) => line.split(':')[0])
      .sort(),
    ['ARI_TRANSPORT', 'HTTP_HOST', 'HTTP_PORT', 'LOG_LEVEL', 'RTP_PORTS', 'SIP_PORT'],
  )
  t.match(said, 'HTTP_PORT: "80800" is not a port. Write a number from 1 to 65535.')
})

t.test('an Asterisk is configured whole or not at all', async (t) => {
  t.match(complaintsAbout({ ARI_URL: 'http://pbx:8088' }), /ARI_USER: .*\nARI_PASSWORD: /)
  t.match(complaintsAbout({ ARI_USER: 'pforte' }), 'ARI_USER: it is set, but ARI_URL is not.')
})

t.test('no message repeats what may hold a password', async (t) => {
  const said = complaintsAbout({
    DATABASE_URL: 'mysql://u:geheim@db/x',
    ARI_URL: 'pbx geheim',
    ARI_PASSWORD: 'geheim',
    SMPP_URL: 'http://u:geheim@smsc',
    PFORTE_SECRET: 'geheim',
    PFORTE_API_KEY: 'geheim',
  })
  t.same(
    said.split('\n').map((line) => line.split(':')[0]),
    ['DATABASE_URL', 'ARI_URL', 'ARI_USER', 'SMPP_URL', 'PFORTE_SECRET', 'PFORTE_API_KEY'],
  )
  t.notMatch(said, 'geheim')
})
