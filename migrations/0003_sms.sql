-- Status SMS: the outbox, what came back for it, and what people said about getting any.

-- ---------------------------------------------------------------- messages

-- Both directions. Outbound: written as an intent in the transaction of what it tells, and worked off from here.
CREATE TABLE messages (
  id uuid PRIMARY KEY,
  direction text NOT NULL CHECK (direction IN ('out', 'in')),
  -- E.164; `sender` may also be letters or a short code. Of a reply: whatever the carrier said.
  recipient text NOT NULL,
  sender text NOT NULL,
  body text NOT NULL,
  state text NOT NULL CHECK (state IN ('held', 'queued', 'submitting', 'uncertain', 'submitted', 'delivered',
    'undeliverable', 'expired', 'failed', 'suppressed', 'superseded', 'received')),
  -- Event that it tells (its template); null for replies.
  template text,
  ticket_id uuid REFERENCES tickets ON DELETE SET NULL,
  customer_id uuid REFERENCES customers ON DELETE SET NULL,
  -- Which status of the ticket it tells, and the ticket's version on entering it.
  tells_status text,
  tells_version integer,
  is_answer boolean NOT NULL DEFAULT false,
  -- To a number that nobody vouches for; with the line that the caller came over.
  is_stranger boolean NOT NULL DEFAULT false,
  line text,
  time_zone text,
  happened_at timestamptz NOT NULL,
  -- What makes an intent unique: event, what it is about, version, recipient. Of a reply: what makes a redelivery known.
  dedupe_key text,
  -- While it waits (held, queued): when it is looked at next.
  due_at timestamptz,
  -- Counts tries that reached the wire, so that an answer to an earlier one is known for that.
  attempt integer NOT NULL DEFAULT 0,
  -- Repeats of an uncertain one, by its template's policy.
  repeats integer NOT NULL DEFAULT 0,
  -- Refusals in a row that may pass (throttled, queue full): each waits longer.
  refusals integer NOT NULL DEFAULT 0,
  parts smallint NOT NULL DEFAULT 1,
  -- Where the try under way is: the sender's lease, bind, epoch of its session, sequence number of the first part.
  sending_by text,
  bind text,
  route text,
  epoch bigint,
  sequence bigint,
  -- When it last left for the carrier; counts for the caps. Null again if not a byte of it left.
  sent_at timestamptz,
  uncertain_at timestamptz,
  done_at timestamptz,
  trace jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE UNIQUE INDEX messages_dedupe ON messages (dedupe_key) WHERE dedupe_key IS NOT NULL;
-- What waits, in the order in which it is due: the claim reads from its front, however much is held for later.
CREATE INDEX messages_due ON messages (due_at, id) WHERE state IN ('held', 'queued');
CREATE INDEX messages_submitting ON messages (sending_by) WHERE state = 'submitting';
CREATE INDEX messages_uncertain ON messages (due_at) WHERE state = 'uncertain';
CREATE INDEX messages_newest ON messages (created_at DESC, id DESC);
CREATE INDEX messages_by_recipient ON messages (recipient, created_at DESC, id DESC);
CREATE INDEX messages_by_sender ON messages (sender, created_at DESC, id DESC) WHERE direction = 'in';
CREATE INDEX messages_by_ticket ON messages (ticket_id, created_at DESC, id DESC) WHERE ticket_id IS NOT NULL;
CREATE INDEX messages_of_strangers ON messages (created_at) WHERE is_stranger;

-- One row a part that the carrier answered or delivered. A part without a row stands where its message stands.
-- No foreign key: it would lock the message's row once more at each answer, and both are only erased together.
CREATE TABLE message_parts (
  message_id uuid NOT NULL,
  attempt integer NOT NULL,
  part smallint NOT NULL,
  state text NOT NULL,
  route text NOT NULL,
  -- The carrier's, as sent; unique within a route at best.
  carrier_id text,
  error text,
  submitted_at timestamptz NOT NULL,
  done_at timestamptz,
  PRIMARY KEY (message_id, attempt, part)
) WITH (fillfactor = 80);
CREATE INDEX message_parts_by_carrier_id ON message_parts (carrier_id, route) WHERE carrier_id IS NOT NULL;

-- ---------------------------------------------------------------- what came back

-- Receipts, stored before they are acknowledged. One that matches no part yet waits here for its submit_sm_resp.
CREATE TABLE receipts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  route text NOT NULL,
  -- As sent, and every other form that may have been meant.
  carrier_ids text[] NOT NULL,
  -- Whom the message went to: all that leads to one whose submit_sm_resp was lost.
  recipient text,
  state text NOT NULL,
  error text,
  done_at timestamptz,
  received_at timestamptz NOT NULL,
  matched_at timestamptz
);
CREATE INDEX receipts_unmatched ON receipts USING gin (carrier_ids) WITH (fastupdate = off) WHERE matched_at IS NULL;
CREATE INDEX receipts_waiting ON receipts (received_at) WHERE matched_at IS NULL;
CREATE INDEX receipts_oldest ON receipts (received_at);

-- Parts of long replies that are not whole yet: domain/sms/reassembly.ts' piles of one sender, as JSON text, because a part may
-- end in half a surrogate pair, which jsonb does not take.
CREATE TABLE reply_piles (
  route text NOT NULL,
  sender text NOT NULL,
  recipient text NOT NULL,
  piles text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (route, sender, recipient)
);
CREATE INDEX reply_piles_expiring ON reply_piles (expires_at);

-- ---------------------------------------------------------------- consent

-- What somebody said about getting messages, with its proof: which message, when, from where. The last word counts.
CREATE TABLE sms_consents (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL,
  purpose text NOT NULL,
  is_in boolean NOT NULL,
  said_at timestamptz NOT NULL,
  word text,
  message_id uuid,
  -- Over which route and to which of our numbers; or `api`.
  said_over text NOT NULL
);
CREATE INDEX sms_consents_by_number ON sms_consents (number, id);

-- ---------------------------------------------------------------- alarms

-- A cap on strangers that bit: told once in a while, not at each message.
CREATE TABLE sms_alarms (
  what text PRIMARY KEY,
  raised_at timestamptz NOT NULL,
  count bigint NOT NULL
);

-- Events of other systems (POST /v1/events), so that the same event tells its customer once.
CREATE TABLE events (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  idempotency_key text UNIQUE,
  request_digest bytea NOT NULL,
  message_ids uuid[] NOT NULL,
  created_at timestamptz NOT NULL
);
