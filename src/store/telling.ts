/**
 * The calls' store, telling those who watch what was changed (`changes.ts`).
 *
 * What fails is told as well: where only the answer to a commit was lost, it
 * has happened all the same, and a hint too many costs one look.
 */
import type { CallStore } from '../app/ports/store.ts'
import type { Teller } from './changes.ts'

export function tellingChanges(store: CallStore, tell: Teller): CallStore {
  return {
    ...store,
    saveCalls: (rows) =>
      store.saveCalls(rows).finally(() => {
        let isRinging = false
        for (const { id, rings } of rows) {
          tell.call(id)
          isRinging ||= rings != null
        }
        if (isRinging) tell.agent()
      }),
    enterQueue: (entry) =>
      store.enterQueue(entry).finally(() => {
        if (entry.row !== undefined) tell.call(entry.callId)
        tell.queue()
      }),
    leaveQueue: (callId, at) => store.leaveQueue(callId, at).finally(() => tell.queue()),
    dispatch: (queue, at) =>
      store.dispatch(queue, at).then(
        (dispatched) => {
          if (dispatched.offers.length > 0) tell.agent()
          return dispatched
        },
        (error: unknown) => {
          tell.agent()
          throw error
        },
      ),
    acceptOffer: (offer, row, at) =>
      store.acceptOffer(offer, row, at).finally(() => {
        if (row !== null) tell.call(row.id)
        tell.agent()
      }),
    releaseAgent: (request) =>
      store.releaseAgent(request).finally(() => {
        if (request.row !== undefined) tell.call(request.row.id)
        tell.agent()
      }),
    releaseStrays: (asterisk, held, at) => store.releaseStrays(asterisk, held, at).finally(() => tell.agent()),
    voicemailWasEmpty: (callId) => store.voicemailWasEmpty(callId).finally(() => tell.call(callId)),
    syncDefinitions: (given, at) =>
      store.syncDefinitions(given, at).finally(() => {
        tell.agent()
        tell.announcement()
      }),
  }
}
