/**
 * Writes of people and other systems: each is one transaction, says who wrote,
 * and with an Idempotency-Key is done once.
 */

/** Who changes something: an API key, somebody at the command line, or a part of Pforte by itself. */
export type Actor = { keyId: string; name: string } | { cli: string } | { pforte: string }

/** What is answered to a write: kept for whoever asks again. */
export type KeptAnswer = { status: number; headers: Record<string, string>; body: string | null }

export type Write = {
  actor: Actor
  /** Under which the log has it; null: nobody asked over HTTP. */
  requestId: string | null
  /** `request`: a text that is the same for the same request and no other. Null: it is done whenever it comes. */
  idempotency: { key: string; request: string } | null
}

export type Written =
  /** Committed if it succeeded (2xx), undone otherwise. */
  | { is: 'done'; answer: KeptAnswer }
  /** It was done before; nothing was done now. */
  | { is: 'replayed'; answer: KeptAnswer }
  /** The key came with another request before. */
  | { is: 'reused' }
  /** The first request with this key has not been answered yet. */
  | { is: 'in_progress' }

export interface Writing {
  /** Runs `act` as one transaction. Only an answer of success (2xx) is committed and kept; with any other all is undone. */
  once(write: Write, at: number, act: () => Promise<KeptAnswer>): Promise<Written>
  /** The same for whoever needs no answer kept; what `work` throws undoes it. Inside another it is a part of that. */
  asOne<T>(actor: Actor, work: () => Promise<T>): Promise<T>
  /** Runs `hook` once what is written here is committed, and not if it is undone; at once where nothing is being written. */
  whenCommitted(hook: () => void | Promise<void>): void | Promise<void>
  /** Throws answers away that were kept for longer than they count. Settles with how many. */
  forgetAnswers(at: number, signal: AbortSignal): Promise<number>
}
