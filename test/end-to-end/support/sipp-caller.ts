/**
 * Somebody who calls with sipp, so that Pforte is not held only to our own
 * phone's reading of the RFCs. It does what it was told before it dialled, one
 * thing at each cue: a request in its own dialog, since sipp has no other ears
 * for us. What it hears it cannot say; Pforte's rows say where it stands.
 */
import { createSocket } from 'node:dgram'
import type { Test } from 'tap'
import { readWav, wavDurationMs } from '../../../src/app/audio/wav.ts'
import { offered, request, response, sign, sipp, type SippRun } from '../../local/phone/sipp.ts'
import { until } from '../../support/until.ts'
import type { Hotline } from './hotline.ts'
import { CallerOnRecord } from './on-record.ts'
import { captureOf } from './pcap.ts'

export type Deed = { types: string } | { says: Buffer }
/** How its call ends. */
export type End = 'hangs up' | 'is hung up on'

const WHOLE_CALL_S = 90
const CUE = 'INFO'

export class SippCaller extends CallerOnRecord {
  readonly #run: SippRun
  readonly #callId: string
  #cues = 0

  private constructor(hotline: Hotline, number: string, run: SippRun, callId: string) {
    super(hotline, number)
    this.#run = run
    this.#callId = callId
  }

  /** @param acts what it does at each cue, in turn; to hang up takes a cue of its own */
  static async dials(t: Test, hotline: Hotline, line: string, acts: Deed[][], end: End): Promise<SippCaller> {
    const number = hotline.freshNumber()
    const callId = `${number.slice(1)}@127.0.0.1`
    const files: Record<string, Buffer> = {}
    const scenario = [
      ...dialling(line, number),
      ...acts.flatMap((deeds, place) => [onCue(place + 1), ...performing(deeds, files)]),
      ...ending(end, acts.length + 1, line, number),
    ]
    const run = await sipp(scenario.join('\n'), hotline.pforte.sip, { args: ['-cid_str', callId], files, withinS: WHOLE_CALL_S })
    t.teardown(() => run.kill())
    return new SippCaller(hotline, number, run, callId)
  }

  /** Does what comes next. */
  async goesOn(): Promise<void> {
    // Each with a number of its own, or sipp takes it for the one before, sent again.
    const number = ++this.#cues
    // Before that a cue is to sipp what it did not expect, which ends its call.
    await until(`sipp to wait for cue ${number}`, () => this.#run.shows(signBefore(number)))
    const cue = [
      `${CUE} sip:sipp@127.0.0.1:${this.#run.port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-cue-${number}`,
      'From: <sip:story@127.0.0.1>;tag=story',
      'To: <sip:sipp@127.0.0.1>',
      `Call-ID: ${this.#callId}`,
      `CSeq: ${number} ${CUE}`,
      'Content-Length: 0',
    ]
    const socket = createSocket('udp4')
    await new Promise<void>((resolve, reject) => {
      socket.send(`${cue.join('\r\n')}\r\n\r\n`, this.#run.port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)))
    })
    socket.close()
  }

  /** Waits for the end of the call. @throws if anything came that was not as it should be */
  async isContent(): Promise<void> {
    const { code, said } = await this.#run.done
    if (code !== 0) throw new Error(`sipp is not content (${code}): ${said}`)
  }
}

const signBefore = (cue: number): string => `cue-${cue}`
const onCue = (cue: number): string => `${sign(signBefore(cue))}<recv request="${CUE}"/>`

function dialling(callee: string, caller: string): string[] {
  return [
    `<send retrans="500">${request('INVITE', 1, { callee, caller, to: `<sip:${callee}@[remote_ip]:[remote_port]>`, body: offered() })}</send>`,
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="200"/>',
    `<send>${request('ACK', 1, { callee, caller })}</send>`,
  ]
}

/** One after the other; the last one goes on while sipp waits for the next cue. */
function performing(deeds: Deed[], files: Record<string, Buffer>): string[] {
  return deeds.flatMap((deed, place) => {
    if ('types' in deed) return [`<nop><action><exec play_dtmf="${deed.types}"/></action></nop>`]
    const name = `${Object.keys(files).length}.pcap`
    const samples = readWav(deed.says).channels[0] ?? new Float32Array()
    files[name] = captureOf(Int16Array.from(samples, (sample) => sample * 32_767))
    const plays = `<nop><action><exec play_pcap_audio="${name}"/></action></nop>`
    return place === deeds.length - 1 ? [plays] : [plays, `<pause milliseconds="${Math.ceil(wavDurationMs(deed.says)) + 200}"/>`]
  })
}

function ending(end: End, cue: number, callee: string, caller: string): string[] {
  if (end === 'hangs up')
    return [onCue(cue), `<send retrans="500">${request('BYE', 2, { callee, caller })}</send>`, '<recv response="200"/>']
  return ['<recv request="BYE"/>', `<send>${response('200 OK').replace(';tag=[pid]SIPpTag[call_number]', '')}</send>`]
}
