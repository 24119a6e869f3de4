import t from 'tap'
import fc from 'fast-check'
import { pointless, type WaitingStatus } from '../../../src/domain/sms/coalesce.ts'

t.test('a night of work on one ticket is one message in the morning', async (t) => {
  const night: WaitingStatus[] = [
    { messageId: 'received', ticketId: 'a', to: '+491', version: 1 },
    { messageId: 'in progress', ticketId: 'a', to: '+491', version: 2 },
    { messageId: 'completed', ticketId: 'a', to: '+491', version: 3 },
    { messageId: 'another ticket', ticketId: 'b', to: '+491', version: 1 },
    { messageId: 'another phone', ticketId: 'a', to: '+492', version: 2 },
  ]
  t.same(pointless(night), ['received', 'in progress'])
  t.same(pointless([]), [])
})

const waiting = fc.uniqueArray(
  fc.record({
    messageId: fc.uuid(),
    ticketId: fc.constantFrom('a', 'b', 'c'),
    to: fc.constantFrom('+491', '+492'),
    version: fc.integer({ min: 1, max: 5 }),
  }),
  { selector: ({ messageId }) => messageId, maxLength: 20 },
)

t.test('never two messages of one ticket to one number are left, and always the newest', async () => {
  fc.assert(
    fc.property(waiting, (messages) => {
      const gone = new Set(pointless(messages))
      const left = messages.filter(({ messageId }) => !gone.has(messageId))
      const keyOf = ({ ticketId, to }: WaitingStatus): string => `${ticketId} ${to}`
      if (new Set(left.map(keyOf)).size !== left.length) throw new Error('two are left')
      for (const message of messages) {
        const stays = left.find((one) => keyOf(one) === keyOf(message))
        if (stays === undefined || stays.version < message.version) throw new Error('the newest is gone')
      }
    }),
  )
})
