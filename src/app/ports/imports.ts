/** What importing customers from a file asks of the store, and of wherever the letters go. */
import type { Mistake } from '../../domain/import/mistakes.ts'
import type { ImportedCustomer } from '../../domain/import/rows.ts'
import type { SmsDefinition } from '../../domain/sms/definition.ts'

/** What is asked for one customer after the other while their lines are read. */
export type ImportSurroundings = {
  /** Queues that callers can go to. */
  queues: string[]
  /** A number as people write it, in E.164; null if it can be none. */
  e164(text: string): string | null
  /** Why none of these numbers can be sent a PIN; null: one can. */
  noSms(numbers: readonly string[]): string | null
}

export type ImportOrder = {
  customers: readonly ImportedCustomer[]
  /** By which PINs are sent; null: there are no SMS. */
  sms: SmsDefinition | null
  /** Epoch milliseconds. */
  at: number
  /** Who imports, for the record of changes: an account of this machine. */
  by: string
  /** Where letters go; null: there are none. */
  letters: Letters | null
  /** As the letters are written. */
  delimiter: string
  /** So many are written, and not committed yet. */
  onProgress(written: number): void
  stop: AbortSignal
}

/** `unknown`: Postgres went away as it was asked to commit, and did not come back in time to say. */
export type ImportResult = { is: 'written' } | { is: 'refused'; what: string; mend: string } | { is: 'unknown' }

export interface CustomerImports {
  surroundings(sms: SmsDefinition | null): Promise<ImportSurroundings>
  /** Which of these customers are there already, have a number or PIN that is taken, or want none of the SMS that they would get. */
  taken(customers: readonly ImportedCustomer[], sms: SmsDefinition | null, at: number): Promise<Mistake[]>
  /** Why so many cannot be entered: PINs or customer numbers of this length would run out. Null: they can. */
  room(customers: readonly ImportedCustomer[], at: number): Promise<{ what: string; mend: string } | null>
  /** All of them in one transaction, or none. @throws StoreUnavailable: none was; the signal's reason, once it stops */
  write(order: ImportOrder): Promise<ImportResult>
}

/** A file that holds new PINs: readable by its owner only, and there only when it is whole and what it tells is true. */
export interface Letters {
  append(text: string): Promise<void>
  /** All of it is on the disk. */
  flush(): Promise<void>
}
