/**
 * Draws a flow as SVG: layered from the call's arrival downwards, one box a
 * step, one arrow for all outcomes that lead to the same step. Colours come
 * from the page's style sheet by class, so that it is right in light and dark.
 */
import { type Edge, Graph, layout, type Point } from '@dagrejs/dagre'
import { drawnEdges } from '../domain/call/edges.ts'
import type { Flow, Step, StepKind } from '../domain/call/flow.ts'
import { stepSummary } from './step-summary.ts'

const BOX = { width: 184, height: 54 }
const PILL = { width: 116, height: 34 }
const LABEL_HEIGHT = 18
const CORNER_RADIUS = 22
/** Widths are estimated: the server has no fonts to measure with. */
const TITLE_CHARACTERS = 19
const SUMMARY_CHARACTERS = 26
const LABEL_CHARACTER_WIDTH = 6.8

/** Beside the steps: where a call comes from, and the human whom no step stands for. */
const ARRIVAL = ' arrival'
const HUMAN = ' human'

type Box = { x: number; y: number; width: number; height: number }
type Arrow = { points: Point[]; x: number; y: number; width: number; label: string }

/** @returns a whole `<svg>`; each step is a `<g class="step" data-step="name">` with room for a count of calls in it. */
export function drawFlow(flow: Flow): string {
  const graph = arrange(flow)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  const boxes = graph.nodes().map((name: string) => drawBox(flow, name, graph.node(name) as Box))
  const arrows: Arrow[] = graph.edges().map((edge: Edge) => graph.edge(edge) as Arrow)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="img" aria-label="Flow ${escape(flow.name)}"`,
    ` width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}">`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">',
    '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
    ...arrows.map((arrow) => `<path class="arrow" d="${curve(arrow.points)}" marker-end="url(#tip)"/>`),
    ...boxes,
    // Last, so that no line crosses a word.
    ...arrows.map(drawLabel),
    '</svg>',
  ].join('')
}

function arrange(flow: Flow): Graph {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: 22, ranksep: 26, edgesep: 12, marginx: 12, marginy: 12, ranker: 'network-simplex' })
  graph.setNode(ARRIVAL, { ...PILL })
  for (const name of inWalkingOrder(flow)) graph.setNode(name, { ...BOX })
  graph.setEdge(ARRIVAL, flow.start, { width: 0, height: 0, label: '' })
  for (const name of inWalkingOrder(flow)) {
    const step = flow.steps[name]
    if (step === undefined) continue
    for (const [target, outcomes] of outcomesByTarget(step)) connect(graph, name, target, outcomes.join(' · '))
    if (step.kind === 'queue' || step.kind === 'transfer') {
      graph.setNode(HUMAN, { ...PILL })
      connect(graph, name, HUMAN, 'answered')
    }
  }
  layout(graph)
  return graph
}

function connect(graph: Graph, from: string, to: string, label: string): void {
  graph.setEdge(from, to, { width: label.length * LABEL_CHARACTER_WIDTH + 12, height: LABEL_HEIGHT, labelpos: 'c', label })
}

/** Breadth first from the start, so that loops are drawn as going back; steps that nothing reaches come last. */
function inWalkingOrder(flow: Flow): string[] {
  const order = new Set([flow.start])
  for (const name of order) {
    const step = flow.steps[name]
    if (step !== undefined) for (const target of outcomesByTarget(step).keys()) order.add(target)
  }
  for (const name of Object.keys(flow.steps)) order.add(name)
  return [...order]
}

function outcomesByTarget(step: Step): Map<string, string[]> {
  const targets = new Map<string, string[]>()
  for (const [outcome, target] of drawnEdges(step)) targets.set(target, [...(targets.get(target) ?? []), outcome])
  return targets
}

function drawBox(flow: Flow, name: string, box: Box): string {
  if (name === ARRIVAL) return drawPill('arrival', 'call arrives', box)
  if (name === HUMAN) return drawPill('human', 'a human', box)
  const step = flow.steps[name]
  const kind: StepKind | 'unknown' = step?.kind ?? 'unknown'
  const left = box.x - box.width / 2
  const top = box.y - box.height / 2
  const summary = step === undefined ? 'this step is missing' : stepSummary(step)
  return [
    `<g class="step ${kind}" data-step="${escape(name)}" transform="translate(${round(left)} ${round(top)})">`,
    `<title>${escape(`${name}: ${kind.replaceAll('_', ' ')}; ${summary}`)}</title>`,
    `<rect class="box" width="${box.width}" height="${box.height}" rx="10"/>`,
    `<rect class="stripe" x="0" y="12" width="4" height="${box.height - 24}" rx="2"/>`,
    `<text class="name" x="16" y="24">${escape(clip(name, TITLE_CHARACTERS))}</text>`,
    `<text class="summary" x="16" y="42">${escape(clip(summary, SUMMARY_CHARACTERS))}</text>`,
    `<g class="count" transform="translate(${box.width - 4} 4)"><circle r="12"/><text y="4"></text></g>`,
    '</g>',
  ].join('')
}

function drawPill(kind: string, text: string, box: Box): string {
  const at = `translate(${round(box.x - box.width / 2)} ${round(box.y - box.height / 2)})`
  return `<g class="pill ${kind}" transform="${at}"><rect width="${box.width}" height="${box.height}" rx="${box.height / 2}"/><text x="${box.width / 2}" y="22">${text}</text></g>`
}

function drawLabel({ label, x, y, width }: Arrow): string {
  if (label === '') return ''
  const at = `translate(${round(x)} ${round(y)})`
  return `<g class="label" transform="${at}"><rect x="${round(-width / 2)}" y="-9" width="${round(width)}" height="${LABEL_HEIGHT}" rx="9"/><text y="4">${escape(label)}</text></g>`
}

/** Dagre's polyline with its corners rounded, so that it still runs through the place of its label. */
function curve(points: readonly Point[]): string {
  const parts: string[] = []
  for (const [index, here] of points.entries()) {
    const before = points[index - 1]
    const after = points[index + 1]
    if (before === undefined) parts.push(`M${at(here)}`)
    else if (after === undefined) parts.push(`L${at(here)}`)
    else parts.push(`L${at(towards(here, before))}Q${at(here)} ${at(towards(here, after))}`)
  }
  return parts.join('')
}

/** The point on the way from a corner where its rounding begins: at most half the way. */
function towards(corner: Point, other: Point): Point {
  const distance = Math.hypot(other.x - corner.x, other.y - corner.y)
  const share = distance === 0 ? 0 : Math.min(CORNER_RADIUS / distance, 0.5)
  return { x: corner.x + (other.x - corner.x) * share, y: corner.y + (other.y - corner.y) * share }
}

const at = ({ x, y }: Point) => `${round(x)} ${round(y)}`
const round = (value: number) => Math.round(value * 10) / 10
const clip = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text)

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
