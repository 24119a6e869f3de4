/** Each test's Asterisk has a range of its own for RTP, so that none hears another's calls. */
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const RTP_FIRST = 20_000
const RTP_SLOTS = 100
const RTP_PORTS_A_SLOT = 400

export type RtpSlot = { ports: { from: number; to: number }; free(): Promise<void> }

/** Claimed by making a folder, which only one can. */
export async function rtpSlot(): Promise<RtpSlot> {
  const start = process.pid % RTP_SLOTS
  for (let step = 0; step < RTP_SLOTS; step++) {
    const number = (start + step) % RTP_SLOTS
    const folder = join(tmpdir(), `pforte-rtp-${number}`)
    const mine = await mkdir(folder).then(
      () => true,
      () => false,
    )
    const from = RTP_FIRST + number * RTP_PORTS_A_SLOT
    if (mine) return { ports: { from, to: from + RTP_PORTS_A_SLOT - 1 }, free: () => rm(folder, { recursive: true, force: true }) }
  }
  throw new Error(`all ${RTP_SLOTS} ranges of RTP ports are taken; remove ${join(tmpdir(), 'pforte-rtp-*')} if no test runs`)
}
