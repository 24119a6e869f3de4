import { run } from './bootstrap.mjs'

await run('bench/run.ts', process.argv.slice(2), { development: true })
