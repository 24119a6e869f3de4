import { PartFailure } from '../local/part-failure.ts'
import { whoTypes, withStore } from './surroundings.ts'

/** The PIN goes to standard output and nowhere else; it is shown this once. */
export async function pinIssue({ contract }: { contract: string }): Promise<number> {
  return withStore(async ({ store }) => {
    const issued = await store.writing.asOne(whoTypes(), () => store.records.issuePin({ contractId: contract }, Date.now()))
    if (!issued.ok)
      throw new PartFailure({
        part: 'PIN',
        what: issued.refusal.message,
        mend: 'Contracts are made with POST /v1/customers/ID/contracts; their answer has the id.',
      })
    console.error(`PIN ${issued.value.id} of contract ${contract}, shown this once:`)
    console.log(issued.value.pin)
    return 0
  })
}
