/** What somebody wrote to us by SMS, as it was taken: for whoever is to hear of it. */

/**
 * What came of a reply.
 * - `comment`: on a ticket that was open; `ticket`: a new one, with the text as its first comment
 * - `status`, `opt_out`, `opt_in`: its words were an order
 * - `kept`: a message and nothing else: nobody knows who wrote it, or there is nothing in it
 */
export type ReplyBecame = 'comment' | 'ticket' | 'status' | 'opt_out' | 'opt_in' | 'kept'

export type ReceivedReply = {
  messageId: string
  at: number
  route: string
  from: string
  to: string
  /** Whole; never for a log. */
  text: string
  became: ReplyBecame
  ticketId: string | null
  customerId: string | null
}
