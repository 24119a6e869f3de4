/**
 * The composition root: config → store → prompts → HTTP → Asterisk → calls,
 * and the way back. Everything that is joined is joined here.
 *
 * The order has reasons: prompts are served before Asterisk is told to fetch
 * them; the lease is held before the socket is opened, since the newest socket
 * silences the older one; calls are taken up before anything that can wait.
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type pino from 'pino'
import { Announcements } from './app/announcements.ts'
import { Hotline } from './app/hotline.ts'
import { Metrics } from './app/metrics.ts'
import { SmsMetrics } from './app/sms/metrics.ts'
import { PromptStore } from './app/prompts.ts'
import { StoreUnavailable, type AgentDefinition } from './app/ports/store.ts'
import type { Telephony } from './app/ports/telephony.ts'
import { toDefinitions, type Environment, type Service } from './config.ts'
import { stopAsterisk } from './local/asterisk.ts'
import { cacheDir } from './local/cache.ts'
import { ensureSecret, openHome } from './local/home.ts'
import { PartFailure } from './local/part-failure.ts'
import { stopPostgres } from './local/postgres.ts'
import type { Progress } from './local/progress.ts'
import { openVoice } from './local/voice/open.ts'
import { announceWith } from './main/announce.ts'
import { carriersWait, keepingCarriers } from './main/carriers.ts'
import { callDefinitions, type Rendered } from './main/definitions.ts'
import { DemoAgent } from './main/demo-agent.ts'
import { seedDemo } from './main/demo-data.ts'
import { onLeaseLost, replaced, takeLease } from './main/lease.ts'
import { openLater } from './main/open-later.ts'
import { asteriskPart, postgresPart } from './main/parts.ts'
import { openDoor, tryDoor } from './main/door.ts'
import { tellGate, warnOfGate } from './main/gate-state.ts'
import { openLog } from './main/log.ts'
import { defaultLanguage, fallbackPrompt, newestDefinitions, renderWithProgress } from './main/rendering.ts'
import { removeRunFile, writeRunFile } from './main/run-file.ts'
import { readServiceFile, type ServiceFile } from './main/service-file.ts'
import type { Sms } from './main/sms.ts'
import { openStoreFor, rulesOf } from './main/store-at.ts'
import type { Store } from './store/open.ts'
import { newId } from './store/ids.ts'
import { ConnectFailure } from './telephony/connect-failure.ts'
import { openTelephony } from './telephony/open.ts'

/** Pforte's name in Asterisk's dialplan: `Stasis(pforte,…)`. */
const ARI_APP = 'pforte'

/** How long the API waits for calls to be taken up at the start. */
const API_WAITS_MS = 1_000
const SIMULATOR_BINDS_WITHIN_MS = 2_000
/** No deadline of background work is as near as this. */
const BACKGROUND_AFTER_MS = 1_000
/** What was decided when calls were taken up is sent by then, and answered. */
const COMMANDS_LEAVE_WITHIN_MS = 20

export type Pforte = {
  url: string
  sipUri: string | null
  lines: string[]
  agents: string[]
  /** Null: standard output. */
  logFile: string | null
  apiKeyFile: string | null
  demoPinFile: string | null
  embedded: { postgres: boolean; asterisk: boolean; smsc: boolean }
  /** Reads `pforte.yaml` again. Calls under way keep the flow they began with. Answers what is wrong, or null. */
  reload(): Promise<string | null>
  /** Ends Node's side; calls go on in Asterisk. */
  close(): Promise<void>
  /** Settles when this process must go: another took its place. */
  readonly ended: Promise<PartFailure>
}

/**
 * Starts Pforte. Once `stop` is aborted it no longer waits for what may never come (the turn of a
 * stand-by, Asterisk), and throws the signal's reason.
 * @throws PartFailure: one clear line with the mend
 */
export async function startPforte(environment: Environment, progress: Progress, stop: AbortSignal): Promise<Pforte> {
  const now = (): number => Date.now()
  let file = await readServiceFile(environment.configFile, now())
  let { service } = file
  const home = await openHome(environment.home)
  const { log, logFile } = openLog(environment, home, () => service.logs.numbers)
  await tryDoor(environment.http, home.path)

  const secret = environment.secret ?? (await ensureSecret(home.path, 'secret'))
  const apiKey = environment.apiKey ?? (await ensureSecret(home.path, 'api-key'))

  const closers: (() => Promise<void> | void)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) {
      try {
        await close()
      } catch (error) {
        log.error({ err: error }, 'a part did not close as it should; the others are closed all the same')
      }
    }
  }
  const inTurn = oneAfterTheOther()
  // A start that fails ends what it began itself; what it adopted may carry calls and goes on.
  const begun: (() => Promise<unknown>)[] = []
  try {
    const postgres = await postgresPart(environment, progress)
    if (!postgres.adopted) begun.push(() => stopPostgres(home.path))
    const store = await openStoreFor(service, postgres.databaseUrl, secret, log)
    closers.push(() => store.close())
    // It may have to wait for a last answer, which nobody else needs to wait for.
    let backgroundClosed: Promise<void> = Promise.resolve()
    closers.push(() => backgroundClosed)
    const voice = await openVoice({ command: service.tts.command ?? undefined, cacheDir: await cacheDir(), progress })
    closers.push(() => voice.close())
    const prompts = new PromptStore({ folder: join(home.path, 'prompts'), voice })
    closers.push(() => prompts.close())
    const render = (of: ServiceFile): Promise<Rendered> => renderWithProgress(of, prompts, progress)
    let rendered = await render(file)
    const asterisk = await asteriskPart(environment, await fallbackPrompt(service, rendered, prompts), progress)
    if (!asterisk.adopted) begun.push(() => stopAsterisk(home.path))
    const leaseName = `${asterisk.key}/${ARI_APP}`
    let stoodBy = false
    const lease = await orStop(
      takeLease(store.calls, leaseName, progress, () => (stoodBy = true)),
      stop,
    )
    closers.push(() => lease.release())
    if (stoodBy) {
      // The one before us may have taken over newer definitions than those that we read when we began to wait.
      const newest = await newestDefinitions(environment.configFile, render, log)
      if (newest !== null) {
        ;({ file, rendered } = newest)
        service = file.service
        store.useRules(rulesOf(service))
      }
    }
    const door = await openDoor(environment.http)
    closers.push(() => door.close())
    const demoAgent = new DemoAgent()
    const sync = (of: Service, as: Rendered): Promise<void> => syncDefinitions(store, of, as, demoAgent.definitions, now())
    await sync(service, rendered)

    const announcements = new Announcements(store.calls)
    await announcements.reload()
    const isDemo = postgres.embedded && asterisk.embedded && environment.smppUrls.length === 0
    const demoPinFile = isDemo ? await seedDemo(store.records, service, home.path, now()) : null
    // Before the first call: it may refuse to start.
    await tellGate(store, service, progress)
    let definitions = callDefinitions(service, rendered)
    const metrics = new Metrics(
      () => hotline.calls,
      () => store.calls.guessChance(),
    )
    let sms: Sms | null = null
    const smsMetrics = new SmsMetrics(
      metrics.registry,
      () => sms?.link ?? null,
      () => sms?.sender.underWay ?? 0,
      () => store.receipts.countUnmatched(now() - 60_000),
    )
    store.outbox.onAlarm((cap) => smsMetrics.alarm(cap))
    // What is held is looked at again behind all else, for as long as that takes.
    const useSms = (): void => {
      store.outbox.useSms(service.sms, now()).catch((error: unknown) => {
        log.error({ err: error }, 'held SMS could not be looked at again by the new rules: a bug in Pforte')
      })
    }
    useSms()

    let end: (why: PartFailure) => void = () => {}
    const ended = new Promise<PartFailure>((resolve) => (end = resolve))
    const telephony: Telephony = openTelephony({
      ...asterisk.ari,
      app: ARI_APP,
      ...(environment.ariTransport === null ? {} : { transport: environment.ariTransport }),
      promptUrl: environment.promptUrl,
      log,
    })
    closers.push(() => telephony.close())
    const hotline: Hotline = new Hotline({
      asterisk: asterisk.key,
      telephony,
      store: store.calls,
      log,
      now,
      newId,
      definitions: () => definitions,
      agents: () => [...service.agents, ...demoAgent.definitions],
      prompts: () => rendered.all,
      announcements,
      observer: metrics.observer,
      describeCall: async (id) => {
        const call = await store.records.call(id)
        if (call === null) return null
        const language = service.lines.find((line) => line.name === call.line)?.language ?? defaultLanguage(service)
        return { line: call.line, caller: call.caller, language, startedAt: call.startedAt }
      },
      defaultLanguage: defaultLanguage(service),
      onVoicemail: () => {},
      onReplaced: () => end(replaced()),
    })
    closers.push(() => hotline.close())
    telephony.onStatus((status) => metrics.asteriskConnected(status.is === 'connected'))

    demoAgent.wire({
      queues: () => service.queues.map((queue) => queue.name),
      changed: async () => {
        await inTurn(() => sync(service, rendered))
        await hotline.pushAgents()
        hotline.dispatcher.kick(null)
      },
      available: async (id) => void (await store.records.setAgentState(id, 'available', null, now())),
      passwordOf: async (id) => (await store.calls.agentPasswords()).get(id) ?? null,
      stayed: (why) => log.error({ err: why }, 'the demo agent could not be taken out; the next start does it'),
    })
    progress.step('connecting to Asterisk')
    const started = hotline.start()
    // Calls first: what the API is made of takes longer to load than they take to be taken up, and nothing leaves
    // this process meanwhile. But if Asterisk is not there, whoever asks must be told so.
    await Promise.race([started, wait(API_WAITS_MS)])
    await wait(COMMANDS_LEAVE_WITHIN_MS)
    const { openSms } = await import('./main/sms.ts')
    const opened = await openSms({
      environment,
      service: () => service,
      outbox: store.outbox,
      receipts: store.receipts,
      metrics: smsMetrics,
      log,
      now,
    })
    sms = opened
    closers.push(() => opened.close())
    const { HttpSender } = await import('./webhooks/sender.ts')
    const sender = new HttpSender({ allowPrivate: () => service.webhooks.allowPrivate })
    const { openApi } = await import('./main/api.ts')
    const http = await openApi({
      environment,
      apiKey,
      apiKeys: store.apiKeys,
      records: store.records,
      writing: store.writing,
      webhooks: store.webhooks,
      webhookRefusal: (url) => sender.refusalOf(url),
      live: store.live,
      prompts,
      announce: announceWith({ prompts, store, announcements, telephony, service: () => service, now }),
      pingPostgres: () =>
        store.ping().then(
          () => ({ ok: true, detail: postgres.embedded ? 'the embedded Postgres answers' : 'Postgres answers' }),
          (error: Error) => ({ ok: false, detail: error.message }),
        ),
      telephony,
      sms: opened,
      metrics: metrics.registry,
      service: () => service,
      hotline,
      demoAgent: asterisk.embedded ? demoAgent : null,
      sipUri: asterisk.sipUri,
      log,
      now,
      door,
    })
    closers.push(() => http.close())
    const background = async () => {
      const { openBackground } = await import('./main/jobs.ts')
      return openBackground({ postgres, store, sender, service: () => service, metrics: metrics.registry, log, now })
    }
    const closeBackground = openLater(BACKGROUND_AFTER_MS, background, log)
    closers.push(() => {
      backgroundClosed = closeBackground()
    })
    await orStop(started, stop)
    progress.done('calls are taken')
    // A carrier may be away for long; the simulator is here, and what is printed next says that all is ready.
    if (opened.simulator !== null) await orStop(opened.bound(SIMULATOR_BINDS_WITHIN_MS), stop)

    const embedded = { postgres: postgres.embedded, asterisk: asterisk.embedded, smsc: opened.simulator !== null }
    await writeRunFile(home.path, { url: http.url, sipUri: asterisk.sipUri ?? '', embedded })
    closers.push(() => removeRunFile(home.path))
    void lease.lost.then(() => onLeaseLost(store.calls, leaseName, end))

    return {
      url: http.url,
      sipUri: asterisk.sipUri,
      lines: service.lines.map((line) => line.name),
      agents: service.agents.map((agent) => agent.id),
      logFile,
      apiKeyFile: environment.apiKey === null ? join(home.path, 'api-key') : null,
      demoPinFile,
      embedded,
      ended,
      close: closeAll,
      reload: async () => {
        let carriersAreOther = false
        const wrong = await inTurn(async () => {
          try {
            const next = await readServiceFile(environment.configFile, now())
            const nextRendered = await render(next)
            await sync(next.service, nextRendered)
            file = next
            const kept = keepingCarriers(service, next.service)
            carriersAreOther = kept.isOther
            service = kept.service
            rendered = nextRendered
            definitions = callDefinitions(service, rendered)
            store.useRules(rulesOf(service))
            await announcements.reload()
            useSms()
            // Whoever reads the file again has perhaps mended something at the carrier's, too.
            sms?.link.knock()
            return null
          } catch (error) {
            return whyNotReloaded(error, log)
          }
        })
        const settledIn = settleIn(hotline, log)
        // A new SIP password is told this way too, whatever the file is like.
        if (wrong !== null) return wrong
        await settledIn
        const warn = (warning: string): void => {
          progress.warn(warning)
          log.warn(warning)
        }
        if (carriersAreOther) warn(carriersWait)
        await warnOfGate(store, service, warn)
        log.info({ hash: service.hash }, 'pforte.yaml was read again; new calls use it')
        return null
      },
    }
  } catch (error) {
    await closeAll()
    for (const end of begun.reverse()) await end()
    throw asPartFailure(error)
  }
}

/** The result of `work`, unless `stop` comes first; then how `work` ends is of no interest any more. */
async function orStop<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const end = (): void => reject(stop.reason)
  if (stop.aborted) end()
  stop.addEventListener('abort', end)
  return Promise.race([work, stopped]).finally(() => stop.removeEventListener('abort', end))
}

/** Work that must not be mixed: the definitions are written by a reload and by the demo agent. */
function oneAfterTheOther(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}

/** What operations threw at the start, as a line and a mend; a bug stays a bug. */
function asPartFailure(error: unknown): unknown {
  if (error instanceof ConnectFailure)
    return new PartFailure({ part: 'asterisk', what: error.what, mend: error.mend, exitCode: 2, cause: error })
  if (error instanceof StoreUnavailable)
    return new PartFailure({
      part: 'postgres',
      what: `it went away in the middle of the start (${error.message})`,
      mend: 'See that it runs, and start again.',
      cause: error,
    })
  return error
}

/** The process goes on with what it had, whatever was wrong. */
function whyNotReloaded(error: unknown, log: pino.Logger): string {
  if (error instanceof PartFailure) return error.message
  if (error instanceof StoreUnavailable) return `${error.message}. Send SIGHUP (npx pforte reload) again when it is back.`
  log.error({ err: error }, 'pforte.yaml could not be taken over: a bug in Pforte')
  return 'This is a bug in Pforte; its log has the details.'
}

async function settleIn(hotline: Hotline, log: pino.Logger): Promise<void> {
  try {
    await hotline.pushAgents()
    await hotline.warmPrompts()
    hotline.dispatcher.kick(null)
  } catch (error) {
    log.error({ err: error }, 'telling Asterisk of agents and prompts failed: a bug in Pforte')
  }
}

async function syncDefinitions(store: Store, service: Service, rendered: Rendered, guests: AgentDefinition[], at: number): Promise<void> {
  const definitions = toDefinitions(service, rendered.byName)
  const { problems } = await store.calls.syncDefinitions({ ...definitions, agents: [...definitions.agents, ...guests] }, at)
  if (problems.length === 0) return
  throw new PartFailure({
    part: 'configuration',
    what: `pforte.yaml does not fit what is in the database:\n  ${problems.join('\n  ')}`,
    mend: 'Nothing was changed.',
    exitCode: 2,
  })
}
