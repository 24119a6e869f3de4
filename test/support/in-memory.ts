/**
 * Where a test run keeps its temporary files: in memory, if the machine has
 * room there. Nearly every story gets a database of its own, some 300 files;
 * ext4 steps over each inode that was freed in the last minutes when it looks
 * for one, so that after some hundred dropped databases a new one takes 130 ms
 * of CPU. In memory it takes 16.
 */
import { readFile, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'

const IN_MEMORY = '/dev/shm'
/** A whole run has never needed more than a third of it. */
const ROOM_BYTES = 6 * 2 ** 30
/** Beside Postgres, Asterisk and whatever else runs. */
const SPARE_MEMORY_BYTES = 2 * ROOM_BYTES

/** Where to make a folder for them. */
export async function temporaryFolder(): Promise<string> {
  return (await hasRoomInMemory()) ? IN_MEMORY : tmpdir()
}

async function hasRoomInMemory(): Promise<boolean> {
  try {
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
    const [, , kind, flags = ''] = mounts.findLast(([, place]) => place === IN_MEMORY) ?? []
    // Stories start programs from their temporary folders.
    if (kind !== 'tmpfs' || flags.split(',').includes('noexec')) return false
    const { bavail, bsize } = await statfs(IN_MEMORY)
    const available = /^MemAvailable: +(\d+) kB/m.exec(await readFile('/proc/meminfo', 'utf8'))
    return bavail * bsize >= ROOM_BYTES && Number(available?.[1]) * 1024 >= SPARE_MEMORY_BYTES
  } catch {
    return false
  }
}
