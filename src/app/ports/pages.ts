/**
 * Pages for people, served by the HTTP edge and made by the console, so that
 * neither edge has to know the other.
 */
export type PageFile = { contentType: string; body: Buffer }

export interface Pages {
  /** The file under this path (`/`, `/console/page.js`), or null. */
  file(path: string): PageFile | null
  /** Every path that `file` knows: the HTTP edge makes one public route of each. */
  readonly paths: readonly string[]
}
