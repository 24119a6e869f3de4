import type { Test } from 'tap'
import type { Call } from '../../../src/local/phone/call.ts'
import type { IncomingCall } from '../../../src/local/phone/incoming.ts'
import type { CallOptions } from '../../../src/local/phone/outgoing.ts'
import { Phone, type PhoneOptions } from '../../../src/local/phone/phone.ts'

/** A phone that is put away at the test's end. */
export async function aPhone(t: Test, user: string, options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const phone = await Phone.open({ host: '127.0.0.1', user, ...options })
  t.teardown(() => phone.close())
  return phone
}

/** The next call that comes in. */
export function nextCall(phone: Phone): Promise<IncomingCall> {
  const { promise, resolve } = Promise.withResolvers<IncomingCall>()
  phone.onCall(resolve)
  return promise
}

/** Two phones, and a call between them as both see it. */
export async function talking(t: Test, options: CallOptions = {}): Promise<{ anna: Phone; bert: Phone; annas: Call; berts: Call }> {
  const [anna, bert] = await Promise.all([aPhone(t, 'anna'), aPhone(t, 'bert')])
  const coming = nextCall(bert)
  const calling = anna.call(bert.uri, options)
  const berts = await (await coming).answer()
  const annas = await calling
  if (berts === undefined) throw new Error('nobody was there any more')
  return { anna, bert, annas, berts }
}
