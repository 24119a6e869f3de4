import { readFileSync } from 'node:fs'
import type { PageFile, Pages } from '../app/ports/pages.ts'

const FILES: Record<string, { file: string; contentType: string }> = {
  '/': { file: 'page.html', contentType: 'text/html; charset=utf-8' },
  '/console/page.css': { file: 'page.css', contentType: 'text/css; charset=utf-8' },
  '/console/flow.css': { file: 'flow.css', contentType: 'text/css; charset=utf-8' },
  '/console/page.js': { file: 'page.js', contentType: 'text/javascript; charset=utf-8' },
  '/console/api.js': { file: 'api.js', contentType: 'text/javascript; charset=utf-8' },
  '/console/dom.js': { file: 'dom.js', contentType: 'text/javascript; charset=utf-8' },
  '/console/icon.svg': { file: 'icon.svg', contentType: 'image/svg+xml' },
}

/** The console's files, read once. */
export function consolePages(): Pages {
  const files = new Map<string, PageFile>()
  for (const [path, { file, contentType }] of Object.entries(FILES)) {
    files.set(path, { contentType, body: readFileSync(new URL(`files/${file}`, import.meta.url)) })
  }
  return { paths: [...files.keys()], file: (path) => files.get(path) ?? null }
}
