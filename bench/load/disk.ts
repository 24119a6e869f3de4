/** What the disk itself takes to keep a page for good: no commit can be faster, and on a shared machine it varies more than all else. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const PAGE = Buffer.alloc(8_192, 7)
const EVERY_MS = 50

/** Writes and syncs a page now and then in this folder for as long as `work` takes. @returns what it came to, and the times in ms */
export async function besideDisk<T>(folder: string, work: Promise<T>): Promise<{ value: T; syncMs: number[] }> {
  const syncMs: number[] = []
  let isOver = false
  const over = work.finally(() => (isOver = true))
  const file = await open(join(folder, 'sync'), 'w')
  try {
    while (!isOver) {
      const began = performance.now()
      await file.write(PAGE, 0, PAGE.length, 0)
      await file.datasync()
      syncMs.push(performance.now() - began)
      await Promise.race([wait(EVERY_MS), over])
    }
    return { value: await over, syncMs }
  } finally {
    await file.close()
  }
}
