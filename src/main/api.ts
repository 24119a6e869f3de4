/** Joins the HTTP edge to what it shows. */
import type { Registry } from 'prom-client'
import type { Logger } from 'pino'
import type { Hotline } from '../app/hotline.ts'
import { LiveHub } from '../app/live/hub.ts'
import type { LiveStore } from '../app/ports/live.ts'
import type { PromptStore } from '../app/prompts.ts'
import { renderAhead } from './announce.ts'
import type { ApiKeys } from '../app/ports/api-keys.ts'
import type { Records } from '../app/ports/records.ts'
import type { Telephony } from '../app/ports/telephony.ts'
import type { Webhooks } from '../app/ports/webhooks.ts'
import type { Writing } from '../app/ports/writing.ts'
import type { Environment, Service } from '../config.ts'
import { drawFlow } from '../console/draw-flow.ts'
import { consolePages } from '../console/pages.ts'
import { toMermaid } from '../domain/call/mermaid.ts'
import type { Door } from '../http/door.ts'
import { writeChange } from '../http/live/show.ts'
import { openHttp, type Http } from '../http/open.ts'
import type { HttpOptions, PartState } from '../http/options.ts'
import type { DemoAgent } from './demo-agent.ts'
import { showSimulator } from './simulated-carrier.ts'
import type { Sms } from './sms.ts'

export type ApiDeps = {
  environment: Environment
  apiKey: string
  apiKeys: ApiKeys
  records: Records
  writing: Writing
  webhooks: Webhooks
  webhookRefusal: HttpOptions['webhookRefusal']
  live: LiveStore
  prompts: PromptStore
  announce: HttpOptions['announce']
  pingPostgres: () => Promise<PartState>
  telephony: Telephony
  sms: Sms
  metrics: Registry
  service: () => Service
  hotline: Hotline
  /** Null on a configured Asterisk. */
  demoAgent: DemoAgent | null
  sipUri: string | null
  log: Logger
  now: () => number
  door: Door
}

export async function openApi(deps: ApiDeps): Promise<Http> {
  const { environment, telephony, hotline, demoAgent, records } = deps
  const { host, port } = environment.http
  return openHttp(
    {
      host,
      port,
      apiKey: deps.apiKey,
      apiKeys: deps.apiKeys,
      records,
      writing: deps.writing,
      webhooks: deps.webhooks,
      webhookRefusal: deps.webhookRefusal,
      live: new LiveHub({ store: deps.live, write: writeChange, log: deps.log, now: deps.now }),
      // Whoever becomes free may have somebody waiting for them.
      onAgentChanged: () => hotline.dispatcher.kick(null),
      prompts: { get: async (hash) => servedPrompt(await deps.prompts.get(hash)) },
      announce: deps.announce,
      renderAhead: (text) => renderAhead(deps.prompts, text),
      parts: async () => ({
        postgres: await deps.pingPostgres(),
        asterisk: asteriskState(telephony, hotline),
        smsc: deps.sms.state(),
      }),
      metrics: deps.metrics,
      flows: () => Object.values(deps.service().flows).map(({ name, flow }) => ({ name, mermaid: toMermaid(flow), svg: drawFlow(flow) })),
      service: () => serviceFacts(deps.service()),
      pages: consolePages(),
      ...promptClients(environment.promptUrl),
      demoAgent:
        demoAgent === null
          ? null
          : {
              keep: async () => ({ ...(await demoAgent.keep()), server: (deps.sipUri ?? '').replace(/^sip:/, '') }),
              dismiss: () => demoAgent.dismiss(),
            },
      simulator: deps.sms.simulator === null ? null : showSimulator(deps.sms.simulator),
      log: deps.log,
      now: deps.now,
    },
    deps.door,
  )
}

function servedPrompt(prompt: { wav: Buffer; cacheControl: string } | undefined): { wav: Buffer; noStore: boolean } | null {
  return prompt === undefined ? null : { wav: prompt.wav, noStore: prompt.cacheControl === 'no-store' }
}

function asteriskState(telephony: Telephony, hotline: Hotline): PartState {
  const { status } = telephony
  if (status.is === 'disconnected') return { ok: false, detail: status.why }
  if (status.is === 'replaced') return { ok: false, detail: 'another process has taken over this Asterisk' }
  if (!hotline.isSettled) return { ok: false, detail: 'taking up the calls that were under way' }
  return { ok: true, detail: `Asterisk ${status.version} over ${status.transport}, ${hotline.calls.underWay.length} calls under way` }
}

function serviceFacts(service: Service): ReturnType<HttpOptions['service']> {
  return {
    country: service.country,
    language: service.lines[0]?.language ?? 'de',
    timeZone: service.timeZone,
    queue: service.queues[0]?.name ?? '',
    hours: Object.keys(service.hours),
  }
}

/** Prompts need no key and speak of nobody; an Asterisk elsewhere must be able to fetch them. */
function promptClients(promptUrl: string): { promptClients?: string[] } {
  const { hostname } = new URL(promptUrl)
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  return isHere ? {} : { promptClients: ['0.0.0.0/0', '::/0'] }
}
