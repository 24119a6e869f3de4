#!/usr/bin/env node
import { run } from './bootstrap.mjs'
import { serviceFlags } from './service-flags.mjs'

const args = process.argv.slice(2)
await run('src/cli.ts', args, args[0] === 'serve' ? { flags: serviceFlags } : {})
