import { run } from './bootstrap.mjs'

await run('src/cli.ts', ['serve', ...process.argv.slice(2)])
