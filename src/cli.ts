/** `npx pforte …`: the commands, one file each in `cli/`. */
import { Command } from 'commander'
import { PartFailure } from './local/part-failure.ts'

const program = new Command('pforte')
  .description('A PIN-gated telephone hotline and a status-SMS line on your own Asterisk.')
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program
  .command('serve')
  .description('run Pforte (what npm start does)')
  .action(run(async () => (await import('./cli/serve.ts')).serve))
program
  .command('stop')
  .description('end Pforte and its embedded parts')
  .action(run(async () => (await import('./cli/stop.ts')).stop))
program
  .command('reload')
  .description('take over an edited pforte.yaml; calls under way keep their old flow')
  .action(run(async () => (await import('./cli/reload.ts')).reload))
program
  .command('migrate')
  .description('bring the database to this version')
  .action(run(async () => (await import('./cli/migrate.ts')).migrate))
program
  .command('doctor')
  .description('check the surroundings: what is wrong, and the mend')
  .action(run(async () => (await import('./cli/doctor.ts')).doctor))

const flow = program.command('flow').description('call flows')
flow
  .command('check')
  .argument('<file>', 'a pforte.yaml')
  .description('say what is wrong in it, and draw its flows as Mermaid')
  .action(run(async () => (await import('./cli/flow-check.ts')).flowCheck))

const pin = program.command('pin').description('PINs')
pin
  .command('issue')
  .requiredOption('--contract <id>', 'whose it is')
  .description('draw a new PIN; it is shown once')
  .action(run(async () => (await import('./cli/pin-issue.ts')).pinIssue))

program
  .command('customers')
  .description('customers')
  .command('import')
  .argument('<file>', 'a CSV file whose first line names its columns (docs/import.md)')
  .option('--dry-run', 'check everything and write nothing')
  .option('--letters <file>', 'where new PINs go, for the letter shop; the only place where they ever stand')
  .option('--delimiter <what>', 'comma, semicolon or tab; told by the headings otherwise')
  .option('--encoding <name>', 'utf-8 or windows-1252; told by what stands in the file otherwise')
  .description('enter the customers of a file, with contracts and PINs: all of them or none')
  .action(run(async () => (await import('./cli/customers-import.ts')).customersImport))

const key = program.command('key').description('API keys')
key
  .command('create')
  .requiredOption('--name <name>', 'whose it is')
  .requiredOption('--scope <scope...>', 'what it may do: read, tickets, events, customers, admin')
  .option('--expires <date>', 'its last day, or a time with its zone; never where not given')
  .option('--rate <number>', 'how many requests a minute')
  .option('--json', 'as the API shows it')
  .description('make a key for another system; it is shown once')
  .action(run(async () => (await import('./cli/key-create.ts')).keyCreate))
key
  .command('list')
  .option('--json', 'as the API shows them')
  .description('show which keys there are')
  .action(run(async () => (await import('./cli/key-list.ts')).keyList))
key
  .command('revoke')
  .argument('<id>', 'its id, as key list shows it')
  .description('end a key')
  .action(run(async () => (await import('./cli/key-revoke.ts')).keyRevoke))

const prompts = program.command('prompts').description('what callers hear')
prompts
  .command('render')
  .description('make every prompt of pforte.yaml ready')
  .action(run(async () => (await import('./cli/prompts-render.ts')).promptsRender))

const agent = program.command('agent').description('agents')
agent
  .command('password')
  .argument('<name>', 'an agent of pforte.yaml')
  .option('--json', 'as {username, password, server}')
  .description("draw a new SIP password for an agent's phone; it is shown once")
  .action(run(async () => (await import('./cli/agent-password.ts')).agentPassword))

const retention = program.command('retention').description('what is kept, and for how long')
retention
  .command('run')
  .option('--dry-run', 'say how much would go, and change nothing')
  .description('take away what is older than pforte.yaml allows, as the job does at night')
  .action(run(async () => (await import('./cli/retention-run.ts')).retentionRun))

program
  .command('call', { hidden: true })
  .option('--pin-file <file>', 'a file that holds the PIN to type')
  .option('--no-pin', 'type nothing')
  .option('--voicemail', 'leave a message')
  .action(run(async () => (await import('./cli/call.ts')).call))

await program.parseAsync()

/**
 * Runs a command; a failure is one clear line with its exit code, a bug is a bug.
 * What the other commands need is not loaded: it is more than half of what a quick one takes.
 */
function run<Args extends unknown[]>(load: () => Promise<(...args: Args) => Promise<number>>) {
  return async (...args: Args): Promise<void> => {
    try {
      process.exitCode = await (await load())(...args)
    } catch (error) {
      if (!(error instanceof PartFailure)) throw error
      const { MistakesInFile } = await import('./main/service-file.ts')
      process.stderr.write(error instanceof MistakesInFile ? `\n${error.what}\n` : `\n✗ ${error.part}: ${error.what}\n  ${error.mend}\n`)
      process.exitCode = error.exitCode
    }
  }
}
