/**
 * From what `pforte.yaml` says to what calls use: every prompt rendered (or
 * found rendered already), every flow with the hashes of what it speaks.
 */
import type { CallDefinitions } from '../app/calls/definitions.ts'
import type { PromptStore } from '../app/prompts.ts'
import type { FlowPrompts } from '../app/ports/store.ts'
import type { Service } from '../config/service.ts'

export type Rendered = { byName: FlowPrompts; all: string[] }

/** Makes every prompt of the file ready. */
export async function renderPrompts(service: Service, prompts: PromptStore): Promise<Rendered> {
  const byName: FlowPrompts = {}
  const all: string[] = []
  const work: Promise<void>[] = []
  for (const [name, texts] of Object.entries(service.prompts)) {
    const hashes: Record<string, string> = {}
    byName[name] = hashes
    for (const [language, source] of Object.entries(texts)) {
      const wanted = 'text' in source ? { text: source.text, language } : { file: source.file }
      work.push(
        prompts.add(wanted).then(({ hash }) => {
          hashes[language] = hash
          all.push(hash)
        }),
      )
    }
  }
  // All settle before one failure is told, so that nothing renders on behind an error message.
  const settled = await Promise.allSettled(work)
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return { byName, all }
}

export function callDefinitions(service: Service, rendered: Rendered): CallDefinitions {
  return {
    lines: service.lines,
    flows: new Map(Object.values(service.flows).map(({ name, hash, flow }) => [name, { hash, flow, prompts: rendered.byName }])),
    queues: new Map(service.queues.map((queue) => [queue.name, queue])),
    trunks: new Map(Object.entries(service.trunks).map(([name, { endpoint }]) => [name, endpoint])),
    callerGone: rendered.byName['caller_gone'] ?? {},
  }
}
