/**
 * SIP transactions over UDP (RFC 3261, section 17, with RFC 6026's correction for 2xx) as pure
 * state machines: what happened goes in, what to do comes out. `endpoint.ts` does it.
 */

/** What is done; a timer of the same name replaces the one that runs, and null stops it. */
export type Action =
  | { readonly do: 'send' }
  | { readonly do: 'acknowledge' }
  | { readonly do: 'deliver' }
  | { readonly do: 'timedOut' }
  | { readonly do: 'end' }
  | { readonly do: 'timer'; readonly timer: Timer; readonly afterMs: number | null }

/** `resend` is RFC 3261's A, E and G; `giveUp` B, F and H; `linger` D, I, J, K and RFC 6026's L and M. */
export type Timer = 'resend' | 'giveUp' | 'linger'

export type Happening =
  | { readonly type: 'start' }
  /** A response arrived (client), or was given by our side (server). */
  | { readonly type: 'response'; readonly status: number }
  /** The same request arrived once more (server). */
  | { readonly type: 'again' }
  | { readonly type: 'ack' }
  | { readonly type: 'timer'; readonly timer: Timer }

export type Phase = 'new' | 'trying' | 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'ended'

export interface Transaction {
  readonly kind: 'inviteClient' | 'client' | 'inviteServer' | 'server'
  readonly phase: Phase
  readonly resendMs: number
}

/** RFC 3261, table 4. */
export const t1Ms = 500
const t2Ms = 4000
const t4Ms = 5000
export const giveUpMs = 64 * t1Ms

type Step = readonly [Transaction, readonly Action[]]

export function newTransaction(kind: Transaction['kind']): Transaction {
  return { kind, phase: 'new', resendMs: t1Ms }
}

/** What is next. A happening that means nothing in the present phase changes nothing. */
export function advance(transaction: Transaction, happening: Happening): Step {
  if (happening.type === 'timer' && happening.timer === 'linger') return end(transaction)
  return machines[transaction.kind](transaction, happening)
}

const send: Action = { do: 'send' }
const deliver: Action = { do: 'deliver' }
const timer = (name: Timer, afterMs: number | null): Action => ({ do: 'timer', timer: name, afterMs })
const stopResending = [timer('resend', null), timer('giveUp', null)]

const machines: Record<Transaction['kind'], (transaction: Transaction, happening: Happening) => Step> = {
  inviteClient(now, happening) {
    if (happening.type === 'start') return [{ ...now, phase: 'trying' }, [send, timer('resend', t1Ms), timer('giveUp', giveUpMs)]]
    if (happening.type === 'timer') return now.phase === 'trying' ? clientTimer(now, happening.timer, Infinity) : [now, []]
    if (happening.type !== 'response') return [now, []]
    const { status } = happening
    if (now.phase === 'accepted') return [now, status >= 200 && status < 300 ? [deliver] : []]
    if (now.phase === 'completed') return [now, status >= 300 ? [{ do: 'acknowledge' }] : []]
    if (now.phase !== 'trying' && now.phase !== 'proceeding') return [now, []]
    if (status < 200) return [{ ...now, phase: 'proceeding' }, [...stopResending, deliver]]
    const linger = timer('linger', giveUpMs)
    if (status < 300) return [{ ...now, phase: 'accepted' }, [...stopResending, linger, deliver]]
    return [{ ...now, phase: 'completed' }, [...stopResending, linger, { do: 'acknowledge' }, deliver]]
  },

  client(now, happening) {
    if (happening.type === 'start') return [{ ...now, phase: 'trying' }, [send, timer('resend', t1Ms), timer('giveUp', giveUpMs)]]
    if (now.phase !== 'trying' && now.phase !== 'proceeding') return [now, []]
    if (happening.type === 'timer') return clientTimer(now, happening.timer, t2Ms)
    if (happening.type !== 'response') return [now, []]
    if (happening.status < 200) return [{ ...now, phase: 'proceeding', resendMs: t2Ms }, [deliver]]
    return [{ ...now, phase: 'completed' }, [...stopResending, timer('linger', t4Ms), deliver]]
  },

  inviteServer(now, happening) {
    if (happening.type === 'start') return [{ ...now, phase: 'proceeding' }, [deliver]]
    if (now.phase === 'proceeding') {
      if (happening.type === 'again') return [now, [send]]
      if (happening.type !== 'response') return [now, []]
      if (happening.status < 200) return [now, [send]]
      // From here on whoever answered repeats a 2xx, until its ACK comes (RFC 6026, section 7.1).
      if (happening.status < 300) return [{ ...now, phase: 'accepted' }, [send, timer('linger', giveUpMs)]]
      return [{ ...now, phase: 'completed' }, [send, timer('resend', t1Ms), timer('giveUp', giveUpMs)]]
    }
    if (now.phase === 'accepted' && happening.type === 'response') return [now, [send]]
    if (now.phase !== 'completed') return [now, []]
    if (happening.type === 'ack') return [{ ...now, phase: 'confirmed' }, [...stopResending, timer('linger', t4Ms)]]
    if (happening.type === 'again') return [now, [send]]
    if (happening.type !== 'timer') return [now, []]
    return happening.timer === 'giveUp' ? end(now) : resend(now, t2Ms)
  },

  server(now, happening) {
    if (happening.type === 'start') return [{ ...now, phase: 'trying' }, [deliver]]
    if (happening.type === 'again') return [now, now.phase === 'trying' ? [] : [send]]
    if (happening.type !== 'response' || now.phase === 'completed') return [now, []]
    if (happening.status < 200) return [{ ...now, phase: 'proceeding' }, [send]]
    return [{ ...now, phase: 'completed' }, [send, timer('linger', giveUpMs)]]
  },
}

function clientTimer(now: Transaction, name: Timer, longestMs: number): Step {
  if (name === 'resend') return resend(now, longestMs)
  const [ended, actions] = end(now)
  return [ended, [{ do: 'timedOut' }, ...actions]]
}

function resend(now: Transaction, longestMs: number): Step {
  const resendMs = Math.min(now.resendMs * 2, longestMs)
  return [{ ...now, resendMs }, [send, timer('resend', resendMs)]]
}

function end(now: Transaction): Step {
  return [{ ...now, phase: 'ended' }, [...stopResending, timer('linger', null), { do: 'end' }]]
}
