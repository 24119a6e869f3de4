/**
 * SIP accounts of agents, pushed into Asterisk's memory (`sorcery.conf`), so
 * that its configuration files know nothing of them. A phone that registers
 * with one can be called and can call nobody: its context is empty.
 *
 * A browser phone (WebRTC) will be a second set of fields here (`webrtc=yes`,
 * its own transport); nothing else depends on what is in them.
 */
import type { AgentEndpoint, Outcome } from '../app/ports/telephony.ts'
import type { AriReply, CommandCarrier } from './ari-call.ts'
import { failureOf, isSuccess, outcomeOf } from './outcome.ts'

/** Holds no extension at all (asterisk-config/extensions.conf). */
const AGENTS_CONTEXT = 'pforte-agents'

/** What ARI answers where a technology has no endpoint. */
const NONE_AT_ALL = 404

type ObjectType = 'auth' | 'aor' | 'endpoint'

/** In the order in which they refer to each other. */
function objectsOf({ id, username, password }: AgentEndpoint): [ObjectType, Record<string, string>][] {
  return [
    ['auth', { auth_type: 'userpass', username, password }],
    [
      'aor',
      {
        // One phone an agent: the newest registration wins, so that a restarted one is not locked out.
        max_contacts: '1',
        remove_existing: 'yes',
        qualify_frequency: '30',
        qualify_timeout: '3',
        maximum_expiration: '600',
      },
    ],
    [
      'endpoint',
      {
        context: AGENTS_CONTEXT,
        auth: id,
        aors: id,
        disallow: 'all',
        allow: 'alaw,ulaw,g722,opus',
        dtmf_mode: 'rfc4733',
        // Media stays with Asterisk: digits, music and recordings need it.
        direct_media: 'no',
        // Phones sit behind routers.
        rtp_symmetric: 'yes',
        force_rport: 'yes',
        rewrite_contact: 'yes',
        // A phone whose network died in a conversation sends no BYE.
        rtp_timeout: '300',
        allow_transfer: 'no',
        allow_subscribe: 'no',
        // What the display shows is decided when it rings; no re-INVITE when the bridge is joined.
        send_connected_line: 'no',
        trust_id_inbound: 'no',
      },
    ],
  ]
}

export async function pushAgent(carrier: CommandCarrier, endpoint: AgentEndpoint): Promise<Outcome> {
  for (const [objectType, fields] of objectsOf(endpoint)) {
    const reply = await carrier.request({
      operation: 'asterisk.updateObject',
      params: { configClass: 'res_pjsip', objectType, id: endpoint.id },
      fields: Object.entries(fields).map(([attribute, value]) => ({ attribute, value })),
    })
    if (!isSuccess(reply)) return withMend(reply, objectType)
  }
  return { ok: true, value: undefined }
}

/** `gone` when there was no such account. Who is talking goes on talking. */
export async function removeAgent(carrier: CommandCarrier, id: string): Promise<Outcome> {
  const removals: Outcome[] = []
  for (const objectType of ['endpoint', 'aor', 'auth'] satisfies ObjectType[]) {
    removals.push(
      outcomeOf(await carrier.request({ operation: 'asterisk.deleteObject', params: { configClass: 'res_pjsip', objectType, id } })),
    )
  }
  const failed = removals.find((one) => !one.ok && one.why !== 'gone')
  return failed ?? removals[0]!
}

/**
 * Accounts of agents that are on the PBX beside those of `present`: of whoever left pforte.yaml, or was given another
 * account, before this process began. They are known by their context, in which a site's own phones and trunks are not.
 */
export async function strayAgents(carrier: CommandCarrier, present: string[]): Promise<Outcome<string[]>> {
  const listed = await carrier.request({ operation: 'endpoints.listByTech', params: { tech: 'PJSIP' } })
  if (listed.status === NONE_AT_ALL) return { ok: true, value: [] }
  if (!isSuccess(listed)) return failureOf(listed)
  const strays: string[] = []
  for (const { resource: id } of listed.body as { resource: string }[]) {
    if (present.includes(id)) continue
    const reply = await carrier.request({
      operation: 'asterisk.getObject',
      params: { configClass: 'res_pjsip', objectType: 'endpoint', id },
    })
    // What is not in its configuration any more may still be in the list while somebody talks there.
    if (!isSuccess(reply)) {
      if (reply.status === null) return failureOf(reply)
      continue
    }
    const fields = reply.body as { attribute: string; value: string }[]
    if (fields.some(({ attribute, value }) => attribute === 'context' && value === AGENTS_CONTEXT)) strays.push(id)
  }
  return { ok: true, value: strays }
}

function withMend(reply: AriReply, type: ObjectType): Outcome {
  const failure = failureOf(reply)
  if (reply.status === null) return failure
  return { ...failure, why: 'refused', detail: `${failure.detail}: sorcery.conf must give the type ${type} of res_pjsip a memory wizard` }
}
