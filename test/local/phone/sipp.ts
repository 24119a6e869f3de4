import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDir } from '../../../src/local/cache.ts'
import { silent } from '../../../src/local/progress.ts'
import { ensureSipp } from '../../support/parts.ts'

export interface SippRun {
  readonly port: number
  /** Resolves when sipp has made its calls: with its exit code (0: all as the scenario says) and what it wrote. */
  readonly done: Promise<{ code: number | null; said: string }>
  /** Whether the scenario has come to `sign(name)`. */
  shows(name: string): Promise<boolean>
  /** For a call that nobody waits for any more. */
  kill(): void
}

export interface SippOptions {
  /** Beside the usual ones. */
  readonly args?: string[]
  /** What lies beside the scenario: sound to be played. */
  readonly files?: Readonly<Record<string, Buffer>>
  /** A scenario that takes longer has failed. */
  readonly withinS?: number
}

/**
 * Runs one call of a sipp scenario: a SIP implementation that is not ours, to try ours against.
 * @param remote where it calls, or undefined for a scenario that is called
 */
export async function sipp(scenario: string, remote?: { host: string; port: number }, options: SippOptions = {}): Promise<SippRun> {
  const { command, args: firstArgs } = await sippCommand()
  const folder = await mkdtemp(join(tmpdir(), 'pforte-sipp-'))
  for (const [name, content] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), content)
  await writeFile(
    join(folder, 'scenario.xml'),
    `<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="story">\n${scenario}\n</scenario>\n`,
  )
  const [port, mediaPort] = [await freePort(), await freePort()]
  const args = [
    ...firstArgs,
    '-sf',
    'scenario.xml',
    '-m',
    '1',
    '-i',
    '127.0.0.1',
    '-p',
    String(port),
    '-min_rtp_port',
    String(mediaPort),
    '-max_rtp_port',
    String(mediaPort + 2),
    '-mi',
    '127.0.0.1',
    '-timeout',
    `${options.withinS ?? 20}s`,
    '-timeout_error',
    '-trace_err',
    '-error_file',
    'errors.txt',
    '-nostdin',
    '-skip_rlimit',
    ...(options.args ?? []),
    ...(remote === undefined ? [] : [`${remote.host}:${remote.port}`]),
  ]
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TERM: 'dumb' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
  const done = once(child, 'close').then(async ([code]) => {
    await rm(folder, { recursive: true, force: true })
    return { code: code as number | null, said: said.slice(-3000) }
  })
  if (remote === undefined) await untilTaken(port)
  const shows = (name: string): Promise<boolean> =>
    access(join(folder, name)).then(
      () => true,
      () => false,
    )
  return { port, done, shows, kill: () => void child.kill('SIGKILL') }
}

/** By this a scenario tells how far it is. */
export function sign(name: string): string {
  return `<nop><action><exec command="touch ${name}"/></action></nop>`
}

/** The one of the test run, or for a test file that is run by itself the one from Debian. */
async function sippCommand(): Promise<{ command: string; args: string[] }> {
  const given = process.env['PFORTE_TEST_SIPP']
  return given === undefined ? ensureSipp(await cacheDir(), silent) : (JSON.parse(given) as { command: string; args: string[] })
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** sipp does not tell when it listens; the kernel's table of UDP sockets does (proc_net_udp: local address, in hexadecimal). */
async function untilTaken(port: number): Promise<void> {
  const entry = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  while (!(await readFile('/proc/net/udp', 'utf8')).includes(entry)) await new Promise((resolve) => setTimeout(resolve, 10))
}

const via = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]'

const sdp = (version = 1, direction = 'sendrecv') => `Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 ${version} IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 96
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-16
a=${direction}`

/** A request of a sipp caller; `to` with the tag of the response before, once there is one. */
export function request(
  method: string,
  number: number,
  { callee = 'bert', caller = 'sipp', to, body = '' }: { callee?: string; caller?: string; to?: string; body?: string } = {},
): string {
  return `<![CDATA[
${method} sip:${callee}@[remote_ip]:[remote_port] SIP/2.0
${via}
From: "sipp" <sip:${caller}@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]
To: ${to ?? `<sip:${callee}@[remote_ip]:[remote_port]>[peer_tag_param]`}
Call-ID: [call_id]
CSeq: ${number} ${method}
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
${body === '' ? 'Content-Length: 0\n' : body}
]]>`
}

/** A response of a sipp that is called. */
export function response(status: string, { body = '', headers = '' } = {}): string {
  return `<![CDATA[
SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]SIPpTag[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port]>
${headers}${body === '' ? 'Content-Length: 0\n' : body}
]]>`
}

export const offered = sdp

/** Ends sipp, as failed, unless the variable is true. */
export function onlyIf(variable: string): string {
  return `<nop hide="true" test="${variable}" next="well"/><nop><action><exec int_cmd="stop_now"/></action></nop><label id="well"/>`
}
