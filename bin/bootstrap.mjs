// What every command of Pforte begins with. Plain JavaScript for Node 20 and
// later, without a single dependency: it runs on a bare clone, installs what
// package-lock.json asks for, and hands over to Node 26, which runs the
// TypeScript as it stands.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import module from 'node:module'
import { constants, homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NODE_NEEDED = 26
const OLDEST_NODE = 20

/**
 * Runs a TypeScript file of this clone as if it had been started itself.
 *
 * @param {string} script path below the clone, for example `src/cli.ts`
 * @param {string[]} args its arguments
 * @param {{ development?: boolean }} [options] development: also needs what only tests and checks use
 * @returns {Promise<void>}
 */
export async function run(script, args, options = {}) {
  await prepare(options)
  keepCompiled()
  const path = join(ROOT, script)
  if (major(process.versions.node) >= NODE_NEEDED) {
    process.argv = [process.execPath, path, ...args]
    await import(pathToFileURL(path).href)
    return
  }
  process.exitCode = await runNode([path, ...args])
}

/**
 * Has Node keep what it compiled, beside the other downloads of this user:
 * callers wait while a Pforte that fell is started again, and more than half of
 * a start is compiling (1.35 s of CPU without, 1.0 s with it). Entries are
 * named by content and version; a folder that cannot be written is done without.
 */
function keepCompiled() {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  process.env['NODE_COMPILE_CACHE'] ??= join(base, 'pforte', 'compiled')
  if (major(process.versions.node) >= NODE_NEEDED) module.enableCompileCache(process.env['NODE_COMPILE_CACHE'])
}

/**
 * Installs what is missing in node_modules.
 *
 * @param {{ development?: boolean }} [options]
 */
export async function prepare({ development = false } = {}) {
  if (major(process.versions.node) < OLDEST_NODE)
    fail(
      `Node ${process.versions.node} is too old`,
      `Install Node ${OLDEST_NODE} or later; Pforte brings Node ${NODE_NEEDED} along itself.`,
    )
  if (!isInstalled(development)) await install(development)
}

/**
 * Runs Node 26 with these arguments and waits for its end.
 *
 * @param {string[]} args
 * @returns {Promise<number>} its exit code, 128 + n for signal n
 */
export function runNode(args) {
  return runProgram(nodeProgram(), args)
}

/**
 * Runs a program in our place: signals go on to it, and its end is ours.
 *
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<number>} its exit code, 128 + n for signal n
 */
export function runProgram(program, args) {
  // Killing us must kill it, or a second Node would be left behind unseen. It must
  // stay in our process group for the same reason, so that Ctrl-C comes to it
  // twice: once from the terminal and once from us.
  const leash = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : []
  const [command = program, ...rest] = [...leash, program, ...args]
  return new Promise((resolve) => {
    const child = spawn(command, rest, { stdio: 'inherit' })
    for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
    child.on('error', (error) => fail(`${program} cannot be run: ${error.message}`, 'Remove node_modules and start again.'))
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

/** The Node that runs TypeScript: this one if it is new enough, else the one from npm. */
function nodeProgram() {
  if (major(process.versions.node) >= NODE_NEEDED) return process.execPath
  const own = join(ROOT, 'node_modules/.bin/node')
  if (existsSync(own)) return own
  return fail(
    `Node ${NODE_NEEDED} is missing for this kind of machine (${process.platform}, ${process.arch})`,
    `Install Node ${NODE_NEEDED} or later yourself, or run npm ci without --omit=optional.`,
  )
}

/**
 * True if node_modules holds what package-lock.json asks for. npm itself keeps
 * the note to compare with: it writes node_modules/.package-lock.json last.
 *
 * @param {boolean} development
 */
function isInstalled(development) {
  const wanted = lockedPackages('package-lock.json')
  const present = lockedPackages('node_modules/.package-lock.json')
  if (wanted === undefined) return fail('package-lock.json is missing or damaged', 'Restore it with git checkout package-lock.json.')
  if (present === undefined) return false
  return Object.entries(wanted).every(([path, { version, dev, devOptional, optional }]) => {
    if (path === '' || (!development && (dev || devOptional))) return true
    // Optional ones are mostly for other kinds of machines.
    return present[path] === undefined ? optional === true : present[path].version === version
  })
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, dev?: boolean, devOptional?: boolean, optional?: boolean }> | undefined}
 */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** @param {boolean} development */
async function install(development) {
  const startedAt = Date.now()
  const text = 'installing node modules'
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`
  const live = process.stderr.isTTY === true
  process.stderr.write(live ? `… ${text}` : `… ${text}\n`)
  const ticker = setInterval(() => live && process.stderr.write(`\r… ${text} (${seconds()})`), 1000)
  const { code, output } = await npmInstall(development)
  clearInterval(ticker)
  if (live) process.stderr.write('\r\u001b[2K')
  if (code === 0 && isInstalled(development)) {
    process.stderr.write(`✓ node modules (${seconds()})\n`)
    return
  }
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json'))) rmSync(join(ROOT, 'node_modules'), { recursive: true, force: true })
  const [what, mend] = explain(output)
  fail(what, mend)
}

/**
 * `npm ci`, once at a time in this clone; whoever waited finds the work done.
 *
 * @param {boolean} development
 * @returns {Promise<{ code: number, output: string }>}
 */
function npmInstall(development) {
  const npm = [
    'npm',
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-retry-mintimeout=2000',
    '--fetch-retry-maxtimeout=10000',
    ...(development ? ['--include=dev'] : []),
  ]
  const check = `${shellQuote(process.execPath)} ${shellQuote(fileURLToPath(import.meta.url))} --is-installed ${development ? 'development' : ''}`
  const once = `${check} || exec ${npm.join(' ')}`
  // flock(1) can lock the folder of the clone itself, so that no lock file is left in it.
  const [command, ...args] = existsSync('/usr/bin/flock') ? ['/usr/bin/flock', ROOT, 'sh', '-c', once] : ['sh', '-c', once]
  return new Promise((resolve) => {
    const child = spawn(/** @type {string} */ (command), args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part) => {
        output += part
      })
    child.on('error', (error) => resolve({ code: 1, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/**
 * @param {string} output what npm said
 * @returns {[string, string]} what is wrong and the mend
 */
function explain(output) {
  const own = /^(?:npm error )?pforte: (.+?)\. (.+)$/m.exec(output)
  if (own !== null) return [own[1], own[2]]
  if (/ENOSPC|no space left/i.test(output))
    return [`no space left on the disk of ${ROOT}`, 'Free about 1 GB there and start again; nothing half-installed was left.']
  if (/npm: not found|spawn npm ENOENT/.test(output))
    return ['npm is not installed', 'Install npm, which comes with Node, and start again.']
  if (/EACCES|EROFS|EPERM/.test(output))
    return [`${ROOT} cannot be written by this user`, 'Give this user the right to write there, or run npm ci as its owner.']
  if (/ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|E50\d|E40\d|network|CERT|certificate/i.test(output)) {
    return [
      'the npm registry cannot be reached',
      `Check the network and npm's proxy and registry settings (npm config ls), then start again. npm said: ${lastError(output)}`,
    ]
  }
  return [`npm ci failed: ${lastError(output)}`, 'Run npm ci by hand to see all of it.']
}

/** @param {string} output */
function lastError(output) {
  const lines = output
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim())
    .filter((line) => line !== '' && !/complete log|^(code|errno|syscall) /.test(line))
  return (lines.find((line) => /failed, reason|Not Found/.test(line)) ?? lines[0] ?? 'nothing').slice(0, 300)
}

/**
 * @param {string} what
 * @param {string} mend
 * @returns {never}
 */
function fail(what, mend) {
  process.stderr.write(`pforte: ${what}. ${mend}\n`)
  process.exit(1)
}

/** @param {string} version */
function major(version) {
  return Number(version.split('.')[0])
}

/** @param {string} text */
function shellQuote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === '--is-installed') {
  process.exit(isInstalled(process.argv[3] === 'development') ? 0 : 1)
}
