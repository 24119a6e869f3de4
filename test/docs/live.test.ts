/** The lines that docs/api.md gives to whoever watches in a browser; Node has the same fetch and the same streams. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { KEY, runHttp } from '../http/running.ts'
import { until } from '../support/until.ts'

type Watch = (api: string, key: string, types: string, onEvent: (event: string, data: any) => void, signal: AbortSignal) => Promise<void>

async function watchOfDocs(): Promise<Watch> {
  const page = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8')
  const code = /\n## Live\n[\s\S]*?```js\n([\s\S]*?)```/.exec(page)![1]!
  return new Function(`${code}; return watch`)() as Watch
}

t.test('what a page is told to do to watch, watches', async (t) => {
  const { url, ask } = await runHttp(t)
  const watch = await watchOfDocs()
  const leave = new AbortController()
  const heard: [event: string, data: any][] = []
  const watching = watch(url, KEY, 'agent.changed,ticket.changed', (event, data) => heard.push([event, data]), leave.signal)
  await until('how things stand', () => heard.some(([event]) => event === 'ready'))
  t.strictSame(
    heard.map(([event]) => event),
    ['agent.changed', 'agent.changed', 'ready'],
  )
  const ticket = (await ask('POST', '/v1/tickets', { subject: 'Leitung tot, id: und event: auch', caller: '+4962155501' })).body
  await until('the ticket', () => heard.some(([event]) => event === 'ticket.changed'))
  t.strictSame(heard.at(-1), ['ticket.changed', ticket])
  leave.abort()
  // It says that the line broke, waits, and sees that it is to leave.
  await watching
})
