/**
 * ARI's operations that Pforte uses, under the names of ARI's own API
 * description (`/api-docs`), which are also ari-client's. One table, so that
 * both ways of sending a command say the same thing.
 */

type Operation = { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; path: string }

const OPERATIONS = {
  'applications.get': { method: 'GET', path: 'applications/{applicationName}' },
  'applications.subscribe': { method: 'POST', path: 'applications/{applicationName}/subscription' },
  'asterisk.getObject': { method: 'GET', path: 'asterisk/config/dynamic/{configClass}/{objectType}/{id}' },
  'asterisk.updateObject': { method: 'PUT', path: 'asterisk/config/dynamic/{configClass}/{objectType}/{id}' },
  'asterisk.deleteObject': { method: 'DELETE', path: 'asterisk/config/dynamic/{configClass}/{objectType}/{id}' },
  'bridges.list': { method: 'GET', path: 'bridges' },
  'bridges.createWithId': { method: 'POST', path: 'bridges/{bridgeId}' },
  'bridges.addChannel': { method: 'POST', path: 'bridges/{bridgeId}/addChannel' },
  'bridges.playWithId': { method: 'POST', path: 'bridges/{bridgeId}/play/{playbackId}' },
  'bridges.destroy': { method: 'DELETE', path: 'bridges/{bridgeId}' },
  'channels.list': { method: 'GET', path: 'channels' },
  'channels.get': { method: 'GET', path: 'channels/{channelId}' },
  'channels.answer': { method: 'POST', path: 'channels/{channelId}/answer' },
  'channels.playWithId': { method: 'POST', path: 'channels/{channelId}/play/{playbackId}' },
  'channels.startMoh': { method: 'POST', path: 'channels/{channelId}/moh' },
  'channels.stopMoh': { method: 'DELETE', path: 'channels/{channelId}/moh' },
  'channels.record': { method: 'POST', path: 'channels/{channelId}/record' },
  'channels.originateWithId': { method: 'POST', path: 'channels/{channelId}' },
  'channels.hangup': { method: 'DELETE', path: 'channels/{channelId}' },
  'endpoints.listByTech': { method: 'GET', path: 'endpoints/{tech}' },
  'playbacks.stop': { method: 'DELETE', path: 'playbacks/{playbackId}' },
  'recordings.stop': { method: 'POST', path: 'recordings/live/{recordingName}/stop' },
  'recordings.getLive': { method: 'GET', path: 'recordings/live/{recordingName}' },
  'recordings.listStored': { method: 'GET', path: 'recordings/stored' },
  'recordings.deleteStored': { method: 'DELETE', path: 'recordings/stored/{recordingName}' },
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof OPERATIONS

export type AriCall = {
  operation: OperationName
  /** Path and query parameters alike; the operation knows which is which. */
  params: Record<string, string | number | boolean>
  /** Only `updateObject` has one. */
  fields?: { attribute: string; value: string }[]
}

/** How Asterisk answered: `status` is HTTP's, over whichever transport. `body` only on success. */
export type AriReply =
  | { status: number; detail: string; body: unknown }
  /** There was no answer in time, or nobody to ask. */
  | { status: null; why: 'timeout' | 'unreachable'; detail: string }

/** One way of bringing calls to Asterisk. Never rejects; settles within its time limit. */
export interface CommandCarrier {
  request(call: AriCall): Promise<AriReply>
}

/** One that is also told what nobody waits for: the same, in the same order, and its answer is of no interest. */
export interface CallCarrier extends CommandCarrier {
  tell(call: AriCall): void
}

/** Pieces between the path's parameters, and their names, worked out once. */
const TEMPLATES = new Map<string, { fixed: string[]; names: string[] }>()
for (const [name, { path }] of Object.entries(OPERATIONS)) {
  const parts = path.split(/\{(\w+)\}/)
  TEMPLATES.set(name, { fixed: parts.filter((_, i) => i % 2 === 0), names: parts.filter((_, i) => i % 2 === 1) })
}

/** The call as an HTTP-like request: `uri` without the leading `/ari/`. */
export function asRequest(call: AriCall): { method: string; uri: string; query: { name: string; value: string }[] } {
  const { method } = OPERATIONS[call.operation]
  const { fixed, names } = TEMPLATES.get(call.operation)!
  let uri = fixed[0]!
  for (let i = 0; i < names.length; i++) uri += encodeURIComponent(String(call.params[names[i]!])) + fixed[i + 1]!
  const query: { name: string; value: string }[] = []
  for (const name in call.params) if (!names.includes(name)) query.push({ name, value: String(call.params[name]) })
  return { method, uri, query }
}
