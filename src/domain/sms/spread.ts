/**
 * What waited for an opening does not leave in one burst: carriers throttle,
 * and call centres hear of it. Each message gets a place within the first
 * minutes, always the same one, so that any process works it out alike.
 */

/** FNV-1a, 32 bits (Fowler, Noll, Vo), with the finalizer of MurmurHash3: keys that differ in one digit land far apart. */
function hashed(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * How long after the opening a message is due: 0 up to, not including, `overMs`, in whole milliseconds.
 * Messages of one ticket keep their order if `key` is the ticket's id for all of them.
 */
export function placeInBurstMs(key: string, overMs: number): number {
  return Math.floor((hashed(key) / 2 ** 32) * overMs)
}
