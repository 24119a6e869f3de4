import { PartFailure } from '../local/part-failure.ts'
import { whoTypes, withStore } from './surroundings.ts'

export async function keyRevoke(id: string): Promise<number> {
  return withStore(async ({ store }) => {
    const revoked = await store.writing.asOne(whoTypes(), () => store.apiKeys.revoke(id, Date.now()))
    if (!revoked.ok)
      throw new PartFailure({
        part: 'key',
        // Whoever gave the whole key by mistake shall not see it again on the screen.
        what: 'there is no API key with this id',
        mend: 'npx pforte key list shows those that there are. The id is the part of a key between its two first underscores.',
      })
    console.error(`Key ${id} is revoked. A running Pforte knows within five seconds.`)
    return 0
  })
}
