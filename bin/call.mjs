import { run } from './bootstrap.mjs'

await run('src/cli.ts', ['call', ...process.argv.slice(2)])
