/** Recordings: kept exactly once, each with its ticket, and read piece by piece. */
import { sql, type Transaction } from 'kysely'
import type { VoicemailRequest } from '../app/ports/store.ts'
import { changedIn } from './changes.ts'
import type { Connections, Statement } from './connections.ts'
import { isId, newId } from './ids.ts'
import type { Keys } from './keys.ts'
import type { PhoneNumbers } from './phone-numbers.ts'
import type { Schema } from './schema.ts'
import type { SmsIntents } from './sms/intents.ts'
import { createTicket } from './tickets.ts'

/** Large enough for few rows, small enough that a listener's machine never holds much of it. 8 s of 8 kHz, 16 bit. */
const chunkBytes = 128 * 1024

export type KeptVoicemail = { ticketId: string; ticketNumber: string; already: boolean }
export type StoredVoicemail = { size: number; read(from: number, to: number): AsyncIterable<Buffer> }

const readChunk: Statement = {
  name: 'read a chunk of a recording',
  text: 'SELECT data FROM recording_chunks WHERE recording_id = $1 AND piece = $2',
}

const leftNothing: Statement = {
  name: 'left nothing',
  text: `UPDATE calls SET outcome = 'abandoned' WHERE id = $1 AND outcome = 'voicemail' AND ticket_id IS NULL`,
}

/** Whom the audit log names. */
const hotline = { pforte: 'hotline' }

export class Voicemails {
  readonly #connections: Connections
  readonly #numbers: PhoneNumbers
  readonly #sms: SmsIntents
  readonly #keys: Keys

  constructor(connections: Connections, numbers: PhoneNumbers, sms: SmsIntents, keys: Keys) {
    this.#connections = connections
    this.#numbers = numbers
    this.#sms = sms
    this.#keys = keys
  }

  /** One transaction: recording, ticket, the call's outcome. A recording that is a ticket already stays that one. */
  keep(request: VoicemailRequest): Promise<KeptVoicemail> {
    return this.#connections.kyselyTransaction(async (transaction) => {
      // Two who bring the same recording take turns; the lock goes with the transaction.
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`pforte recording ${request.recording}`}, 0))`.execute(transaction)
      const kept = await transaction
        .selectFrom('recordings')
        .innerJoin('tickets', 'tickets.id', 'recordings.ticket_id')
        .select(['tickets.id', 'tickets.number'])
        // What was erased and is still on the PBX does not come in again.
        .where('recordings.name', 'in', [request.recording, this.#keys.erasedName(request.recording)])
        .executeTakeFirst()
      if (kept !== undefined) return { ticketId: kept.id, ticketNumber: kept.number, already: true }

      const caller = this.#numbers.caller(request.caller)
      const ticket = await createTicket(
        transaction,
        this.#sms,
        {
          customerId: null,
          caller,
          subject: subjectOf(caller, request.language),
          source: 'voicemail',
          callId: request.callId,
          line: request.line,
          language: request.language,
        },
        request.at,
      )
      await storeRecording(transaction, request, ticket.id)
      if (request.callId !== null) {
        await transaction
          .updateTable('calls')
          .set({ ticket_id: ticket.id, outcome: sql`CASE WHEN outcome = 'connected' THEN outcome ELSE 'voicemail' END` })
          .where('id', '=', request.callId)
          .execute()
        changedIn(transaction).call(request.callId)
      }
      return { ticketId: ticket.id, ticketNumber: ticket.number, already: false }
    }, hotline)
  }

  async wasEmpty(callId: string): Promise<void> {
    await this.#connections.run(leftNothing, [callId])
  }

  async read(ticketId: string): Promise<StoredVoicemail | null> {
    if (!isId(ticketId)) return null
    const recording = await this.#connections.kysely
      .selectFrom('recordings')
      .select(['id', 'size_bytes'])
      .where('ticket_id', '=', ticketId)
      .where('erased_at', 'is', null)
      .executeTakeFirst()
    if (recording === undefined) return null
    return { size: recording.size_bytes, read: (from, to) => this.#readBytes(recording.id, from, Math.min(to, recording.size_bytes)) }
  }

  /** One piece at a time, and no connection held while the listener is slow. */
  async *#readBytes(recordingId: string, from: number, to: number): AsyncGenerator<Buffer> {
    for (let at = from; at < to; ) {
      const piece = Math.floor(at / chunkBytes)
      const [row] = await this.#connections.run<{ data: Buffer }>(readChunk, [recordingId, piece])
      // Erased while it was being heard.
      if (row === undefined) return
      const start = at - piece * chunkBytes
      const part = row.data.subarray(start, start + (to - at))
      if (part.length === 0) return
      yield part
      at += part.length
    }
  }
}

async function storeRecording(transaction: Transaction<Schema>, request: VoicemailRequest, ticketId: string): Promise<void> {
  const id = newId()
  await transaction
    .insertInto('recordings')
    .values({
      id,
      name: request.recording,
      ticket_id: ticketId,
      call_id: request.callId,
      line: request.line,
      language: request.language,
      size_bytes: request.wav.length,
      duration_ms: Math.round(request.durationMs),
      created_at: new Date(request.at),
    })
    .execute()
  for (let piece = 0; piece * chunkBytes < request.wav.length; piece += 1) {
    const data = request.wav.subarray(piece * chunkBytes, (piece + 1) * chunkBytes)
    await transaction.insertInto('recording_chunks').values({ recording_id: id, piece, data }).execute()
  }
}

function subjectOf(caller: string | null, language: string): string {
  if (language.startsWith('de')) return caller === null ? 'Voicemail, Nummer unterdrückt' : `Voicemail von ${caller}`
  return caller === null ? 'Voicemail, number withheld' : `Voicemail from ${caller}`
}
