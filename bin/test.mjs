import { run } from './bootstrap.mjs'

await run('test/run.ts', process.argv.slice(2), { development: true })
