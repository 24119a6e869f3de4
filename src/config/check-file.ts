import { toMermaid } from '../domain/call/mermaid.ts'
import type { SmsDefinition, Wording } from '../domain/sms/definition.ts'
import type { Size } from '../domain/sms/template-check.ts'
import { configurationIsWrong } from './environment.ts'
import { loadService } from './load.ts'
import type { LoadOptions } from './load.ts'
import { formatProblems } from './problem.ts'
import type { Service } from './service.ts'

/**
 * What `npx pforte flow check FILE` says: the mistakes, or each flow as a Mermaid graph in Markdown, and how large the messages are.
 * `exitCode` is 0 or 2.
 */
export function checkFile(text: string, fileName: string, options: LoadOptions): { text: string; exitCode: number } {
  const loaded = loadService(text, options)
  if (loaded.ok) return { text: drawn(loaded.service, fileName), exitCode: 0 }
  const { length } = loaded.problems
  const count = length === 1 ? 'one mistake' : `${length} mistakes`
  return { text: `${formatProblems(loaded.problems, fileName, text)}\n${count} in ${fileName}\n`, exitCode: configurationIsWrong }
}

function drawn({ flows, lines, sms }: Service, fileName: string): string {
  const graphs = Object.values(flows).map(({ name, flow }) => {
    const used = lines.filter((line) => line.flow === name).map((line) => line.name)
    const by = used.length === 0 ? 'no line leads here' : `${used.length === 1 ? 'line' : 'lines'} ${used.join(', ')}`
    return `## ${name} (${by})\n\n\`\`\`mermaid\n${toMermaid(flow)}\`\`\`\n`
  })
  return `${fileName}: no mistakes\n\n${graphs.join('\n')}${sms === null ? '' : `\n${measured(sms)}`}`
}

/** What each message costs, because carriers count parts. */
function measured({ templates }: SmsDefinition): string {
  const rows = Object.values(templates).flatMap(({ event, wording }) =>
    Object.entries(wording).map(([language, one]) => `| ${event} | ${language} | ${sizeOf(one.usual)}${because(one)} | ${worstOf(one)} |`),
  )
  return ['## Messages', '', '| event | language | usually | at worst |', '|---|---|---|---|', ...rows, ''].join('\n')
}

function sizeOf({ coding, units, parts }: Size): string {
  return `${parts === 1 ? '1 part' : `${parts} parts`}, ${units} characters of ${coding === 'gsm7' ? 'GSM-7' : 'UCS-2'}`
}

function because({ forcesUcs2 }: Wording): string {
  return forcesUcs2.length === 0
    ? ''
    : ` because of ${forcesUcs2.map(({ character, codePoint }) => `${character} (${codePoint})`).join(', ')}`
}

function worstOf({ usual, worst, mayForceUcs2 }: Wording): string {
  if (usual.parts === worst.parts) return 'no more'
  const values = mayForceUcs2.map((name) => `{${name}}`).join(', ')
  return values === '' || worst.coding === 'gsm7' ? sizeOf(worst) : `${sizeOf(worst)}, if ${values} holds such characters`
}
