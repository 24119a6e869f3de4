import type { Environment } from '../config.ts'
import { PartFailure } from '../local/part-failure.ts'
import { runningPforte, type RunningPforte } from '../main/run-file.ts'
import { whoTypes, withStore } from './surroundings.ts'

/** Draws a new SIP password, shows it once, and has a running Pforte tell Asterisk. */
export async function agentPassword(name: string, { json }: { json?: boolean }): Promise<number> {
  return withStore(async ({ store, service, environment }) => {
    const agent = service.agents.find((one) => one.id === name)
    if (agent === undefined) {
      const known = service.agents.map((one) => one.id).join(', ')
      throw new PartFailure({
        part: 'agent',
        what: `pforte.yaml has no agent "${name}"`,
        mend: known === '' ? 'Add one under agents:.' : `It has: ${known}.`,
      })
    }
    const password = await store.writing.asOne(whoTypes(), () => store.newAgentPassword(agent))
    const running = await runningPforte(environment.home)
    if (running !== null) process.kill(running.pid, 'SIGHUP')
    const server = serverOf(environment, running)
    if (json === true) {
      console.log(JSON.stringify({ username: agent.endpoint, password, server }))
    } else {
      console.log(`${agent.name}\n  user name  ${agent.endpoint}\n  password   ${password}\n  server     ${server}`)
      console.error(
        running === null ? 'Asterisk learns it at the next start of Pforte.' : 'Asterisk is being told; a phone can register in a moment.',
      )
    }
    return 0
  })
}

/** What a phone registers with. Of a configured Asterisk only the host is known; on which port it speaks SIP is its operator's affair. */
function serverOf({ ari, sip }: Environment, running: RunningPforte | null): string {
  if (ari !== null) return new URL(ari.url).hostname
  return running?.sipUri.replace(/^sip:/, '') ?? `${sip.host}:${sip.port}`
}
