import { run } from './bootstrap.mjs'
import { serviceFlags } from './service-flags.mjs'

await run('src/cli.ts', ['serve', ...process.argv.slice(2)], { flags: serviceFlags })
