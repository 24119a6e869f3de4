-- ---------------------------------------------------------------- events of other systems

-- An Idempotency-Key belongs to the API key that it came with, and is nobody's business: only a digest of both is kept, and
-- only for as long as the key counts.
ALTER TABLE events ADD COLUMN idempotency_digest bytea UNIQUE;
-- Until now there was one API key.
UPDATE events SET idempotency_digest = sha256(convert_to('["first",' || to_json(idempotency_key) || ']', 'UTF8'))
  WHERE idempotency_key IS NOT NULL;
ALTER TABLE events DROP COLUMN idempotency_key;

-- ---------------------------------------------------------------- lists beside a million rows

-- What stands behind the time in an index is for filters: a scan tells those that do not fit apart without a look at their rows.
-- So whoever asks for what is rare among very many, or is not there at all, waits no longer than others.

-- To whom, from whom, and by which template, whatever became of it.
DROP INDEX messages_by_recipient;
CREATE INDEX messages_by_recipient ON messages (recipient, created_at DESC, id DESC, state);
DROP INDEX messages_by_sender;
CREATE INDEX messages_by_sender ON messages (sender, created_at DESC, id DESC, state, template);
CREATE INDEX messages_by_template ON messages (template, created_at DESC, id DESC) WHERE template IS NOT NULL;

DROP INDEX calls_by_caller;
CREATE INDEX calls_by_caller ON calls (caller, started_at DESC, id DESC, line, outcome);

DROP INDEX tickets_by_caller;
CREATE INDEX tickets_by_caller ON tickets (caller, created_at DESC, id DESC, status, queue, fault);
DROP INDEX tickets_by_customer;
CREATE INDEX tickets_by_customer ON tickets (customer_id, created_at DESC, id DESC, status, queue, fault);
DROP INDEX tickets_by_queue;
CREATE INDEX tickets_by_queue ON tickets (queue, status, (created_at AT TIME ZONE 'UTC') DESC, id DESC, fault);
DROP INDEX tickets_overdue;
CREATE INDEX tickets_overdue ON tickets (created_at DESC, id DESC, status, queue, fault) WHERE is_overdue;

-- Customers are looked for by how their name begins, whatever its case. With the included columns namesakes are counted in the index alone.
CREATE INDEX customers_by_name ON customers (lower(name) text_pattern_ops, created_at DESC, id DESC) INCLUDE (name, erased_at);
