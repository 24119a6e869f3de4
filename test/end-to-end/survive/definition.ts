/** The definition of the other stories, unhurried: whoever stands in a step stays there while Pforte is away, on a slow machine too. */
import { parse, stringify } from 'yaml'
import { definitionForStories, LINES, queueOfTeam, TEAMS } from '../support/definition.ts'

type Yaml = Record<string, any>

export const SURVIVAL_TRIES = 3

export function definitionForSurvival(text: string): string {
  return changed(definitionForStories(text), (service) => {
    for (const flow of ['hotline', LINES.outage]) {
      const { steps } = service['flows'][flow]
      steps['music']['hold_music'] = '5m'
      Object.assign(steps['voicemail'], { max: '2m', silence: '30s' })
      steps['outage']['pause'] = '30s'
    }
    service['prompts']['fallback'] = { de: 'Bitte sprechen Sie nach dem Ton.' }
    Object.assign(service['pin'], { first_digit: '30s', between_digits: '30s', total: '2m', tries: SURVIVAL_TRIES })
    // The wrong PINs of these stories are no guessing.
    Object.assign(service['pin']['limits'], { per_caller: { slow_after: 50, stop_after: 100 } })
    for (let team = 0; team < TEAMS; team++) service['queues'][queueOfTeam(team)]['ring'] = '2m'
  })
}

export function changed(text: string, change: (service: Yaml) => void): string {
  const service = parse(text) as Yaml
  change(service)
  return stringify(service)
}
