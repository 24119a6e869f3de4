/** A customer, a contract and a PIN to try with, only where everything is embedded and nobody has a customer of their own. */
import { access, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Records, Result } from '../app/ports/records.ts'
import type { Service } from '../config.ts'

/** From the range that the Bundesnetzagentur keeps free for films and examples (mobile: 0171 39200xx). */
export const DEMO_CALLER = '+4917139200001'

/**
 * The PIN's file is written last: while it is missing, whatever a start that was
 * cut short has left of the demo is made whole, with a new PIN.
 *
 * @returns the file that holds the demo PIN, or null where this is no demo
 */
export async function seedDemo(records: Records, service: Service, home: string, at: number): Promise<string | null> {
  const file = join(home, 'demo-pin')
  const isWritten = await access(file).then(
    () => true,
    () => false,
  )
  const left = await records.demo()
  if (left === null) return isWritten ? file : null
  if (isWritten && left.pinIds.length > 0) return file

  const customerId = left.customerId ?? (await makeCustomer(records, service, at))
  const contractId = left.contractId ?? (await makeContract(records, service, customerId, at))
  // Nobody knows them.
  for (const id of left.pinIds) made('revocation', await records.revokePin(id, at))
  const { pin } = made('PIN', await records.issuePin({ contractId }, at))
  await writeFile(`${file}.new`, `${pin}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return file
}

async function makeCustomer(records: Records, service: Service, at: number): Promise<string> {
  const language = service.lines[0]?.language ?? 'de'
  const customer = { name: 'Demo GmbH', numbers: [DEMO_CALLER], language, timeZone: service.timeZone, demo: true }
  return made('customer', await records.createCustomer(customer, at)).id
}

async function makeContract(records: Records, service: Service, customerId: string, at: number): Promise<string> {
  const contract = {
    customerId,
    service: 'Premium 24/7',
    queue: service.queues[0]?.name ?? '',
    priority: 10,
    hours: 'always',
    slaMinutes: 480,
    validFrom: null,
    validTo: null,
  }
  return made('contract', await records.createContract(contract, at)).id
}

function made<T>(what: string, result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(`the demo's ${what} was refused: ${result.refusal.message}`)
}
