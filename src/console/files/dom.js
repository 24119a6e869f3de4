/** Small helpers for making and filling elements; text only, so nothing that a caller sent can become markup. */

export const byId = (id) => document.getElementById(id)

/** make('td', { class: 'number' }, 'text', otherElement) */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value !== undefined && value !== null) element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

/** Fills a table's body, or says that there is nothing. */
export function fill(tableId, rows, nothing) {
  const body = byId(tableId).tBodies[0]
  const columns = byId(tableId).tHead.rows[0].cells.length
  body.replaceChildren(...(rows.length > 0 ? rows : [make('tr', {}, make('td', { colspan: columns, class: 'nothing' }, nothing))]))
}

export const row = (...cells) =>
  make('tr', {}, ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : make('td', {}, cell))))

export const words = (name) => (name ?? '').replaceAll('_', ' ')

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts =
    seconds < 3600 ? [Math.floor(seconds / 60), seconds % 60] : [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':')
}

const TODAY = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const EARLIER = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

export function time(iso) {
  const date = new Date(iso)
  const format = date.toDateString() === new Date().toDateString() ? TODAY : EARLIER
  return make('time', { datetime: iso, title: date.toLocaleString() }, format.format(date))
}
