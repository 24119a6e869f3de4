-- What is kept for how long (store/privacy/retention.ts), and erasing what is held about one customer (store/privacy/erase.ts).

-- ---------------------------------------------------------------- the job

-- What each run took away, kind by kind: [{kind, before, purged, tookMs}], epoch ms.
CREATE TABLE retention_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at timestamptz NOT NULL,
  -- Null: under way, or cut off.
  ended_at timestamptz,
  kinds jsonb NOT NULL DEFAULT '[]'
);

-- Calls and messages stay, and what is taken from them is in no index of its own, which each of them would have to pay for. So it
-- is written down up to which time this has been done, and a run reads on from there.
CREATE TABLE retention_progress (
  what text PRIMARY KEY,
  done_to timestamptz NOT NULL
);

-- ---------------------------------------------------------------- what is taken away

-- The row stays: its name keeps a recording that is still on the PBX from coming in again.
ALTER TABLE recordings ADD COLUMN erased_at timestamptz;
ALTER TABLE recordings ALTER COLUMN duration_ms DROP NOT NULL;
ALTER TABLE recordings ADD CONSTRAINT recordings_erased CHECK ((erased_at IS NULL) = (duration_ms IS NOT NULL));
CREATE INDEX recordings_with_sound ON recordings (created_at, id) WHERE erased_at IS NULL;
-- The fallback dialplan puts the caller's number into the name.
CREATE INDEX recordings_named_by_caller ON recordings (created_at, id) WHERE name LIKE 'pforte-fallback-%';

ALTER TABLE tickets ADD COLUMN erased_at timestamptz;
CREATE INDEX tickets_completed_oldest ON tickets (updated_at, id) WHERE status = 'completed' AND erased_at IS NULL;
CREATE INDEX ticket_comments_with_text ON ticket_comments (created_at, id) WHERE text <> '';

CREATE INDEX events_oldest ON events (created_at, id);

-- Needed only until it is known which message a receipt is for.
UPDATE receipts SET recipient = NULL WHERE matched_at IS NOT NULL AND recipient IS NOT NULL;

-- ---------------------------------------------------------------- erasing a customer

-- What remains of an erased customer is a row that says so, under an id that nobody knows, so that what is counted stays true.
ALTER TABLE customers ADD COLUMN erased_at timestamptz;
ALTER TABLE customers ALTER COLUMN customer_number DROP NOT NULL;
ALTER TABLE customers ADD CONSTRAINT customers_erased CHECK ((erased_at IS NULL) = (customer_number IS NOT NULL));

CREATE INDEX calls_by_customer ON calls (customer_id, started_at DESC, id DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX messages_by_customer ON messages (customer_id, created_at DESC, id DESC) WHERE customer_id IS NOT NULL;
-- What a number wrote, on whichever ticket it stands since; other authors have names.
CREATE INDEX ticket_comments_by_number ON ticket_comments (author) WHERE author LIKE '+%';

-- An opt-out is respected after its customer was erased, too: it is found by a keyed digest of the number.
ALTER TABLE sms_consents ADD COLUMN erased_digest bytea;
CREATE INDEX sms_consents_of_erased ON sms_consents (erased_digest) WHERE erased_digest IS NOT NULL;
-- Of what was said over the API: who heard it, or where it is written.
ALTER TABLE sms_consents ADD COLUMN evidence text;
