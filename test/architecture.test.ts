/**
 * The rings: `main → edges → app → domain`, and `wire`, which edges may stand on. Read from the imports, so that the
 * picture in docs/architecture.md stays true.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')

/** Each ring by folder (or file of that name): which of ours it may import beside itself. */
const rings: Record<string, string[] | 'everything'> = {
  domain: [],
  app: ['domain'],
  telephony: ['app', 'domain', 'wire'],
  store: ['app', 'domain', 'wire'],
  http: ['app', 'domain'],
  wire: [],
  local: ['app', 'domain', 'wire'],
  smpp: ['app', 'domain', 'wire'],
  webhooks: ['app', 'domain'],
  console: ['app', 'domain'],
  config: ['app', 'domain'],
  main: 'everything',
  cli: 'everything',
}

/** A file beyond it knows too much. */
const mostLines = 400

type Source = { file: string; ring: string; code: string; imports: string[] }

const sources: Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .sort()
  .map((file) => {
    const code = withoutComments(readFileSync(join(src, file), 'utf8'))
    return { file, ring: ringOf(file), code, imports: importsOf(code) }
  })

t.test('every folder belongs to a ring', async (t) => {
  const unknown = new Set(sources.map(({ ring }) => ring).filter((ring) => rings[ring] === undefined))
  t.same([...unknown], [], 'give it a place in `rings` of this test and in docs/architecture.md')
})

t.test('imports point inward, and edges never import each other', async (t) => {
  const outward = sources.flatMap(({ file, ring, imports }) => {
    const allowed = rings[ring] ?? []
    if (allowed === 'everything') return []
    return imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => relative(src, join(src, dirname(file), specifier)))
      .filter((imported) => ringOf(imported) !== ring && !allowed.includes(ringOf(imported)))
      .map((imported) => `src/${file} imports src/${imported}`)
  })
  t.same(outward, [])
})

t.test('the domain needs nothing but itself and assert', async (t) => {
  const foreign = inDomain().flatMap(({ file, imports }) =>
    imports
      .filter((specifier) => !specifier.startsWith('.') && !/^node:assert(\/strict)?$/.test(specifier))
      .map((specifier) => `src/${file} imports ${specifier}`),
  )
  t.same(foreign, [])
})

t.test('the domain is pure: no async, clock, randomness, I/O or logger', async (t) => {
  const impurities: [RegExp, string][] = [
    [/\b(async|await|Promise)\b/, 'async'],
    [/\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bTemporal\.Now\b/, 'a clock'],
    [/\bMath\.random\b|\bcrypto\b/, 'randomness'],
    [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/, 'a timer of its own'],
    [/\b(process|console|globalThis|fetch)\s*[.([]/, 'the outside world'],
  ]
  const found = inDomain().flatMap(({ file, code }) => {
    const plain = withoutTexts(code)
    return impurities.filter(([pattern]) => pattern.test(plain)).map(([, what]) => `src/${file} uses ${what}`)
  })
  t.same(found, [])
})

t.test('imports name the file as it stands on disk', async (t) => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith('.'))
      .filter((specifier) => !/\.(ts|json)$/.test(specifier))
      .map((specifier) => `src/${file} imports ${specifier}`),
  )
  t.same(wrong, [])
})

t.test(`no file is longer than ${mostLines} lines`, async (t) => {
  const long = sources
    .map(({ file }) => [file, readFileSync(join(src, file), 'utf8').split('\n').length - 1] as const)
    .filter(([, lines]) => lines > mostLines)
    .map(([file, lines]) => `src/${file} has ${lines} lines`)
  t.same(long, [])
})

t.test('the map in docs/architecture.md names every folder and those in it', async (t) => {
  const map = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
  const folders = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(src, join(entry.parentPath, entry.name)))
    .filter((folder) => folder.split('/').length <= 2)
  t.same(
    folders.filter((folder) => !new RegExp(`\\b${folder.split('/').at(-1)}/`).test(map)),
    [],
  )
})

function inDomain(): Source[] {
  return sources.filter(({ ring }) => ring === 'domain')
}

/** `config/yaml.ts` and `config.ts` are of the ring `config`. */
function ringOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '')
}

function importsOf(code: string): string[] {
  const found = code.matchAll(/\bfrom\s+'([^']+)'|\bimport\s+'([^']+)'|\bimport\(\s*'([^']+)'/g)
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** Texts may speak of anything. */
function withoutTexts(code: string): string {
  return code.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''")
}
