/** The commands in a page of `docs/`, as people type them: what they ask for, and running them with bash. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../../src/local/cache.ts'
import { ensureDebianPackages } from '../../src/local/debian-packages.ts'
import { silent } from '../../src/local/progress.ts'

const ROOT = join(import.meta.dirname, '../..')

/** All blocks that are marked as `sh`, one after the other. */
export async function commandsOf(page: string): Promise<string> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n')
}

export type Asked = { method: string; path: string }

/** Every request in the commands, with its variables as they stand there: `/v1/tickets/$TICKET`. */
export function asked(commands: string): Asked[] {
  return commands
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => line.split(/(?=\b(?:api|curl) )/))
    .flatMap((command) => {
      const given = /-X ([A-Z]+)/.exec(command)?.[1]
      const method = given ?? (/ -d /.test(command) ? 'POST' : 'GET')
      return [...command.matchAll(/\$API(\/[^\s"'?)|]*)/g)].map(([, path]) => ({ method, path: path! }))
    })
}

/** @param operation `/v1/tickets/{id}` of the OpenAPI document */
export function isOf({ path }: Asked, operation: string): boolean {
  const pattern = operation.split(/\{\w+\}/).map((piece) => piece.replace(/[.*+?^$()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${pattern.join('[^/]+')}$`).test(path)
}

/** Runs them in a folder until the first that fails. @returns the exit code, and all that was said */
export async function runCommands(
  commands: string,
  folder: string,
  environment: Record<string, string>,
): Promise<{ code: number | null; said: string }> {
  const script = `${await tools()}\nset -euo pipefail\nset -x\n${commands}\n`
  const bash = spawn('bash', ['-c', script], { cwd: folder, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  bash.stdout.on('data', (data: Buffer) => (said += data.toString()))
  bash.stderr.on('data', (data: Buffer) => (said += data.toString()))
  const [code] = (await once(bash, 'close')) as [number | null]
  return { code, said }
}

/** What a bare machine lacks: curl comes out of Debian's package, and the little that the pages ask of jq is done by Node. */
async function tools(): Promise<string> {
  const lacks = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0
  const parts: string[] = []
  if (lacks('curl')) {
    const packages = await ensureDebianPackages({
      name: 'curl',
      packages: ['curl'],
      suite: 'sid',
      components: ['main'],
      cacheDir: await cacheDir(),
      progress: silent,
    })
    const { command, args } = await packages.launch('/usr/bin/curl')
    parts.push(`curl() { ${[command, ...args].map((word) => `'${word}'`).join(' ')} "$@"; }`)
  }
  if (lacks('jq')) parts.push(`jq() { '${process.execPath}' -e "$JQ" -- "$@"; }`, `JQ='${JQ}'`)
  return parts.join('\n')
}

/** `jq -r .items[0].id`: a path into what comes, as a text. */
const JQ = `
  let text = ""
  process.stdin.on("data", (data) => (text += data)).on("end", () => {
    let value = JSON.parse(text)
    for (const name of process.argv.at(-1).split(/[.[\\]]+/).filter(Boolean)) value = value[name]
    console.log(value)
  })`
