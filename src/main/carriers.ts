/**
 * What a reload does not take over: how the carriers want their SMPP. The binds
 * that are up go on as they began, and texts are cut as those need it, until
 * the next start.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Service } from '../config.ts'

export const carriersWait =
  'smpp in pforte.yaml is not as it was at the start: it takes effect at the next start of Pforte; everything else is taken over now'

/** `next`, with the carriers' settings of `running`. `isOther`: `next` has others. */
export function keepingCarriers(running: Service, next: Service): { service: Service; isOther: boolean } {
  if (isDeepStrictEqual(running.smpp, next.smpp)) return { service: next, isOther: false }
  const { referenceBits = null } = running.sms ?? {}
  const sms = next.sms === null || referenceBits === null ? next.sms : { ...next.sms, referenceBits }
  return { service: { ...next, smpp: running.smpp, sms }, isOther: true }
}
