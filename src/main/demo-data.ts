/** A customer, a contract and a PIN to try with, only in an empty store of one's own. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Records } from '../app/ports/records.ts'
import type { Service } from '../config.ts'

/** From the range that the Bundesnetzagentur keeps free for films and examples (mobile: 0171 39200xx). */
export const DEMO_CALLER = '+4917139200001'

/** @returns the file that holds the demo PIN, or null where this is no demo */
export async function seedDemo(records: Records, service: Service, home: string, at: number): Promise<string | null> {
  const file = join(home, 'demo-pin')
  if (!(await records.isEmpty())) {
    return readFile(file).then(
      () => file,
      () => null,
    )
  }
  const language = service.lines[0]?.language ?? 'de'
  const customer = await records.createCustomer(
    { name: 'Demo GmbH', numbers: [DEMO_CALLER], language, timeZone: service.timeZone, demo: true },
    at,
  )
  if (!customer.ok) throw new Error(`the demo customer was refused: ${customer.refusal.message}`)
  const contract = await records.createContract(
    {
      customerId: customer.value.id,
      service: 'Premium 24/7',
      queue: service.queues[0]?.name ?? '',
      priority: 10,
      hours: 'always',
      slaMinutes: 480,
      validFrom: null,
      validTo: null,
    },
    at,
  )
  if (!contract.ok) throw new Error(`the demo contract was refused: ${contract.refusal.message}`)
  const issued = await records.issuePin({ contractId: contract.value.id }, at)
  if (!issued.ok) throw new Error(`the demo PIN was refused: ${issued.refusal.message}`)
  await writeFile(`${file}.new`, `${issued.value.pin}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
  return file
}
