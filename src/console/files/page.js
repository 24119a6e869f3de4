/** The page at `/`: what is going on, the flow as a picture, the voicemails to listen to, and the SMS. */
import { key, list, readiness, recording, Refused } from './api.js'
import { byId, duration, fill, make, row, time, words } from './dom.js'

const REFRESH_MS = 2_000
const PAST_CALLS = 12
const NEWEST_MESSAGES = 20

const main = document.querySelector('main')
const audio = document.querySelector('audio')
let flows = []
let flowOfLine = {}
let shown = null
/** Goes up when the key changes, so that an answer to the old one is dropped. */
let visit = 0

// Getting in and out

function showDoor(wrong) {
  visit += 1
  key.forget()
  byId('door').hidden = false
  byId('wrong').hidden = !wrong
  main.hidden = byId('forget').hidden = true
  stopPlaying()
  // What the last one saw is gone, not only hidden.
  for (const body of document.querySelectorAll('tbody')) body.replaceChildren()
  for (const id of ['agents', 'queues', 'picture', 'mermaid']) byId(id).replaceChildren()
  byId('key').focus()
}

byId('door').addEventListener('submit', (event) => {
  event.preventDefault()
  key.keep(byId('key').value.trim())
  byId('key').value = ''
  void open()
})
byId('forget').addEventListener('click', () => showDoor(false))

async function open() {
  try {
    const [pictures, lines] = await Promise.all([list('/v1/flows'), list('/v1/lines')])
    flows = pictures
    flowOfLine = Object.fromEntries(lines.map((line) => [line.name, line.flow]))
    byId('door').hidden = true
    main.hidden = byId('forget').hidden = false
    showFlowTabs()
    await refresh()
  } catch (error) {
    report(error)
  }
}

function report(error) {
  if (error instanceof Refused) showDoor(true)
  else trouble(error instanceof TypeError ? 'Pforte does not answer. Is it running? This page tries on.' : error.message)
}

function trouble(text) {
  byId('trouble').textContent = text ?? ''
  byId('trouble').hidden = text === null
}

// The flow

function showFlowTabs() {
  const tabs = flows.map(({ name }) => make('button', { type: 'button', 'aria-pressed': 'false', click: () => showFlow(name) }, name))
  byId('flow-tabs').replaceChildren(...(flows.length > 1 ? tabs : []))
  if (flows.length > 0) showFlow(flows.some(({ name }) => name === shown) ? shown : flows[0].name)
}

function showFlow(name) {
  shown = name
  const flow = flows.find((one) => one.name === name)
  const drawing = new DOMParser().parseFromString(flow.svg, 'image/svg+xml').documentElement
  byId('picture').replaceChildren(document.adoptNode(drawing))
  byId('mermaid').textContent = flow.mermaid
  for (const tab of byId('flow-tabs').children) tab.setAttribute('aria-pressed', String(tab.textContent === name))
}

function countInFlow(open) {
  const counts = {}
  for (const call of open) {
    const step = call.path.at(-1)?.step
    if (step && flowOfLine[call.line] === shown) counts[step] = (counts[step] ?? 0) + 1
  }
  for (const box of byId('picture').querySelectorAll('.step')) {
    const count = counts[box.dataset.step] ?? 0
    box.classList.toggle('busy', count > 0)
    box.querySelector('.count text').textContent = count || ''
  }
}

// What is going on

async function refresh() {
  const began = visit
  const [calls, agents, queues, tickets, messages] = await Promise.all([
    list('/v1/calls?limit=200'),
    list('/v1/agents'),
    list('/v1/queues'),
    list('/v1/tickets?limit=50'),
    list(`/v1/messages?limit=${NEWEST_MESSAGES}`),
  ])
  if (began !== visit) return
  const open = calls.filter(({ endedAt }) => endedAt === null)
  showCalls(open, calls.filter(({ endedAt }) => endedAt !== null).slice(0, PAST_CALLS))
  countInFlow(open)
  showAgents(agents)
  showQueues(queues)
  showTickets(tickets)
  showMessages(messages)
  trouble(null)
}

const number = (...content) => make('td', { class: 'number' }, ...content)
const since = (iso) => duration(Date.now() - Date.parse(iso))
const caller = (value) => value ?? make('span', { class: 'quiet' }, 'withheld')

function showCalls(open, past) {
  byId('calls-count').textContent = open.length || ''
  const where = (call) => (call.path.length > 0 ? words(call.path.at(-1).step) : 'arriving')
  fill(
    'calls',
    open.map((call) => row(caller(call.caller), call.line, where(call), number(since(call.startedAt)))),
    'Nobody is on the line.',
  )
  const outcome = (call) => make('span', { class: `state ${call.outcome}` }, words(call.outcome))
  fill(
    'past',
    past.map((call) => row(caller(call.caller), call.line, outcome(call), number(time(call.endedAt)))),
    'No call has ended yet.',
  )
}

function showAgents(agents) {
  const items = agents.map((agent) => {
    const state = words(agent.state) + (agent.reason ? `: ${agent.reason}` : '')
    return make(
      'li',
      {},
      make('span', { class: `state ${agent.state}` }, state),
      ` ${agent.name} `,
      make('span', { class: 'quiet' }, since(agent.since)),
    )
  })
  byId('agents').replaceChildren(...(items.length > 0 ? items : [make('li', { class: 'nothing' }, 'pforte.yaml names no agents.')]))
}

function showQueues(queues) {
  const items = queues.map(({ name, waiting }) => {
    const longest = waiting.length > 0 ? `, the first for ${since(waiting[0].sinceAt)}` : ''
    return make('li', {}, make('strong', {}, name), ` ${waiting.length} waiting${longest}`)
  })
  byId('queues').replaceChildren(...items)
}

// Tickets and the voicemails that they begin with

function showTickets(tickets) {
  const message = (ticket) => {
    if (ticket.voicemail === null) return make('span', { class: 'quiet' }, 'none')
    const title = `Listen to the message of ticket ${ticket.number}`
    return make(
      'button',
      { type: 'button', class: 'play', title, 'aria-label': title, click: () => play(ticket) },
      `▶ ${duration(ticket.voicemail.durationMs)}`,
    )
  }
  const status = (ticket) => make('span', { class: `state ${ticket.status}` }, words(ticket.status))
  const rows = tickets.map((ticket) =>
    row(ticket.number, caller(ticket.caller), status(ticket), message(ticket), number(time(ticket.createdAt))),
  )
  // A row that is replaced under the pointer or the keyboard loses the click.
  const body = byId('tickets').tBodies[0]
  const text = rows.map((line) => line.textContent).join('\n')
  if (rows.length > 0 && body.dataset.shown === text && body.rows.length === rows.length) return
  body.dataset.shown = text
  fill('tickets', rows, 'No tickets yet. A voicemail becomes one.')
}

async function play(ticket) {
  const began = visit
  try {
    const address = await recording(ticket.id)
    if (began !== visit) return URL.revokeObjectURL(address)
    stopPlaying()
    audio.src = address
    byId('player-title').textContent = `${ticket.number} · ${ticket.subject}`
    byId('player').hidden = false
    await audio.play()
  } catch (error) {
    report(error)
  }
}

// SMS, both ways

function showMessages(messages) {
  const rows = messages.map((message) => {
    const isReply = message.direction === 'in'
    const last = message.trace.at(-1)
    const other = isReply ? message.from : message.to || 'no number'
    return row(
      make(
        'td',
        {},
        make('span', { class: 'quiet', title: isReply ? 'from' : 'to' }, isReply ? '← ' : '→ '),
        other,
        make('p', { title: message.text }, message.text),
      ),
      make('td', {}, make('span', { class: `state sms-${message.state}`, title: last?.why }, isReply ? 'reply' : message.state)),
      number(time(last?.at ?? message.createdAt)),
    )
  })
  fill('messages', rows, 'No SMS yet. A ticket tells its customer how it stands.')
}

function stopPlaying() {
  audio.pause()
  if (audio.src) URL.revokeObjectURL(audio.src)
  audio.removeAttribute('src')
  byId('player').hidden = true
}

// Readiness, which needs no key

async function showReadiness() {
  const { parts } = await readiness()
  const chips = Object.entries(parts).map(([name, { ok, detail }]) =>
    make('li', { class: ok ? 'ok' : 'off', title: detail }, name, ok ? '' : make('span', {}, detail)),
  )
  byId('parts').replaceChildren(...chips)
}

/** One round at a time, so that a slow Pforte is not asked ever faster; none while nobody looks. */
async function keepFresh() {
  if (!document.hidden) {
    try {
      await showReadiness()
      if (key.get() && !main.hidden) await refresh()
      else if (key.get() && byId('door').hidden) await open()
    } catch (error) {
      if (error instanceof TypeError) byId('parts').replaceChildren()
      report(error)
    }
  }
  setTimeout(keepFresh, REFRESH_MS)
}

if (key.get()) await open()
else showDoor(false)
void keepFresh()
