/** The demo agent: registers, rings a moment, answers, says a sentence. Gone when the demo is over. */
import type { Call } from '../phone/call.ts'
import { Phone, RegistrationFailed } from '../phone/phone.ts'
import type { DemoApi } from './api.ts'
import type { Story } from './story.ts'

type SipAccount = { username: string; password: string; server: string }

/** The agent goes when nobody asks for longer than 15 s. */
const KEEP_EVERY_MS = 5_000
/** Long enough to see that it rings. */
const RINGS_FOR_MS = 800
const REGISTER_TRIES = 20
const REGISTER_AGAIN_MS = 100

export class DemoAgentPhone {
  readonly #phone: Phone
  readonly #api: DemoApi
  readonly #keeping: NodeJS.Timeout

  private constructor(phone: Phone, api: DemoApi) {
    this.#phone = phone
    this.#api = api
    this.#keeping = setInterval(() => void api.put('/v1/demo-agent').catch(() => {}), KEEP_EVERY_MS)
  }

  /** `onTalking` hears of the conversation once it stands. */
  static async arrive(api: DemoApi, story: Story, greeting: Buffer, onTalking: (call: Call) => void): Promise<DemoAgentPhone> {
    const { username, password, server } = await api.put<SipAccount>('/v1/demo-agent')
    const [host = '127.0.0.1', port = '5060'] = server.split(':')
    const phone = await Phone.open({ host: '127.0.0.1', user: username, password, registrar: { host, port: Number(port) } })
    phone.onCall((incoming) => {
      incoming.ring()
      const shown = [incoming.displayName, incoming.callerId].filter((part) => part !== '').join(', ')
      story.tell('agent', `the phone rings; its display says: ${shown}`)
      setTimeout(() => {
        void incoming.answer().then((call) => {
          if (call === undefined) return story.tell('agent', 'picks up, but there is nobody any more')
          story.tell('agent', 'picks up and greets the caller')
          onTalking(call)
          void call.play(greeting)
        })
      }, RINGS_FOR_MS)
    })
    try {
      await registered(phone)
    } catch (error) {
      await phone.close()
      throw error
    }
    story.tell('agent', `is ready at ${phone.uri}`)
    return new DemoAgentPhone(phone, api)
  }

  async leave(): Promise<void> {
    clearInterval(this.#keeping)
    await this.#phone.close()
    await this.#api.delete('/v1/demo-agent')
  }
}

/** Asterisk may need a moment to know the account that it was just told of. */
async function registered(phone: Phone): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await phone.register()
    } catch (error) {
      if (!(error instanceof RegistrationFailed) || tries === REGISTER_TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, REGISTER_AGAIN_MS))
    }
  }
}
