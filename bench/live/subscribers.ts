/**
 * Many who watch, in a process of their own: says when the last of them has
 * heard of something. What each has heard is known by a mark in it.
 */
import http from 'node:http'

export type SubscribersSettings = { url: string; key: string; count: number }
/** `at`: of the clock that all processes of a machine share, in ms. */
export type Heard = { mark: string; at: number } | { ready: number } | { lost: string }

/** Six digits behind one of these: in a text, or as the end of a number that calls. */
const MARK = /(?:bench-|\+4962199)(\d{6})/g
/** A mark may be cut in two. */
const LONGEST_MARK = 32

const settings = JSON.parse(process.argv[2]!) as SubscribersSettings
const heardBy = new Map<string, number>()
let ready = 0

for (let number = 0; number < settings.count; number += 1) watch()
// Ends with whoever began it.
process.on('disconnect', () => process.exit(0))

function watch(): void {
  const marks = new Set<string>()
  let tail = ''
  let isReady = false
  const headers = { authorization: `Bearer ${settings.key}` }
  const request = http.get(`${settings.url}/v1/live`, { agent: false, headers }, (response) => {
    if (response.statusCode !== 200) tell({ lost: `status ${response.statusCode}` })
    response.setEncoding('utf8')
    response.on('close', () => tell({ lost: 'the line was cut' }))
    response.on('error', () => {})
    response.on('data', (piece: string) => {
      const text = tail + piece
      tail = text.slice(-LONGEST_MARK)
      for (const [, mark] of text.matchAll(MARK)) {
        if (marks.has(mark!)) continue
        marks.add(mark!)
        const count = (heardBy.get(mark!) ?? 0) + 1
        heardBy.set(mark!, count)
        if (count === settings.count) tell({ mark: mark!, at: sharedClockMs() })
      }
      if (!isReady && text.includes('event: ready')) {
        isReady = true
        ready += 1
        if (ready === settings.count) tell({ ready })
      }
    })
  })
  request.on('error', (error) => tell({ lost: error.message }))
}

function tell(heard: Heard): void {
  process.send?.(heard)
}

/** CLOCK_MONOTONIC, which is the machine's. */
function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
