/** Whether the configured carriers can be reached, without binding: a bind could cost the one that serves its own. */
import { smppRouteFor, type Environment, type Service } from '../config.ts'
import { PartFailure } from '../local/part-failure.ts'
import { parseAccounts } from '../smpp/account.ts'
import { connect } from '../smpp/connect.ts'
import { defaultLinkSettings, type Account, type LinkSettings } from '../smpp/settings.ts'

export type Carrier = { account: Account; settings: LinkSettings }

/** @throws PartFailure when SMPP_URL cannot be used */
export function carriersOf(smppUrls: readonly string[], { smpp }: Service): Carrier[] {
  const accounts = parseAccounts(smppUrls.join(','))
  if ('problem' in accounts) {
    throw new PartFailure({
      part: 'smsc',
      what: `SMPP_URL: ${accounts.problem}`,
      mend: 'Write it as smpp://user:password@host:2775.',
      exitCode: 2,
    })
  }
  return accounts.map((account) => ({ account, settings: { ...defaultLinkSettings, ...smppRouteFor(smpp, account.host) } }))
}

/** Each carrier's route, and why it cannot be reached; null if it can. */
export async function reachCarriers(environment: Environment, service: Service): Promise<{ route: string; why: string | null }[]> {
  if (environment.smppUrls.length === 0) return []
  return Promise.all(
    carriersOf(environment.smppUrls, service).map(async ({ account, settings }) => ({
      route: account.route,
      why: await whyNot(account, settings),
    })),
  )
}

function whyNot(account: Account, settings: LinkSettings): Promise<string | null> {
  return new Promise((resolve) => {
    connect(
      account,
      settings,
      (socket) => {
        socket.destroy()
        resolve(null)
      },
      resolve,
    )
  })
}
