import t from 'tap'
import { runHttp } from './running.ts'

t.test('the page comes without a key, whole, and from nowhere else', async (t) => {
  const { url } = await runHttp(t)
  const page = await fetch(url)
  t.equal(page.status, 200)
  t.match(page.headers.get('content-type'), /^text\/html/)
  const policy = page.headers.get('content-security-policy') ?? ''
  t.match(policy, "default-src 'none'")
  t.notMatch(policy, /unsafe|https?:/)
  const html = await page.text()
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!)
  t.ok(links.length >= 4)
  for (const link of links) {
    const file = await fetch(url + link)
    t.equal(file.status, 200, link)
    const text = await file.text()
    t.notMatch(text.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//, `${link} asks no other host`)
    for (const [, imported] of text.matchAll(/from '\.\/([^']+)'/g))
      t.equal((await fetch(`${url}/console/${imported}`)).status, 200, `imports ${imported}`)
  }
  t.notMatch(html, /<script>|style="|onclick/, 'nothing inline, which the policy would refuse')
})

t.test('the document of the API is there for people, and asks no other host either', async (t) => {
  const { url } = await runHttp(t)
  const page = await fetch(`${url}/docs`)
  t.equal(page.status, 200)
  const policy = page.headers.get('content-security-policy') ?? ''
  t.match(policy, "default-src 'none'")
  t.notMatch(policy, /unsafe|https?:/)
  const html = await page.text()
  t.notMatch(html, /<script>|style="|onclick|https?:\/\//)
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!)
  t.ok(links.length >= 4)
  for (const link of links) t.equal((await fetch(new URL(link, page.url))).status, 200, link)
  t.match(await (await fetch(`${url}/docs/json`)).json(), { openapi: '3.1.0', paths: { '/v1/events': {} } })
  t.equal((await fetch(`${url}/docs/static/..%2f..%2fpackage.json`)).status, 404)
})

t.test('the flow is there as a picture and as text', async (t) => {
  const { ask } = await runHttp(t)
  const { body } = await ask('GET', '/v1/flows')
  t.match(body, { items: [{ name: 'hotline', mermaid: /^flowchart/, svg: /^<svg [\s\S]*<\/svg>$/ }], next: null })
})
