import { toMermaid } from '../domain/call/mermaid.ts'
import { configurationIsWrong } from './environment.ts'
import { loadService } from './load.ts'
import type { LoadOptions } from './load.ts'
import { formatProblems } from './problem.ts'
import type { Service } from './service.ts'

/**
 * What `npx pforte flow check FILE` says: the mistakes, or each flow as a Mermaid graph in Markdown.
 * `exitCode` is 0 or 2.
 */
export function checkFile(text: string, fileName: string, options: LoadOptions): { text: string; exitCode: number } {
  const loaded = loadService(text, options)
  if (loaded.ok) return { text: drawn(loaded.service, fileName), exitCode: 0 }
  const { length } = loaded.problems
  const count = length === 1 ? 'one mistake' : `${length} mistakes`
  return { text: `${formatProblems(loaded.problems, fileName, text)}\n${count} in ${fileName}\n`, exitCode: configurationIsWrong }
}

function drawn({ flows, lines }: Service, fileName: string): string {
  const graphs = Object.values(flows).map(({ name, flow }) => {
    const used = lines.filter((line) => line.flow === name).map((line) => line.name)
    const by = used.length === 0 ? 'no line leads here' : `${used.length === 1 ? 'line' : 'lines'} ${used.join(', ')}`
    return `## ${name} (${by})\n\n\`\`\`mermaid\n${toMermaid(flow)}\`\`\`\n`
  })
  return `${fileName}: no mistakes\n\n${graphs.join('\n')}`
}
