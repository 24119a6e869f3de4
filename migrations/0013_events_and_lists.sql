-- ---------------------------------------------------------------- events of other systems

-- An Idempotency-Key belongs to the API key that it came with, and is nobody's business: only a digest of both is kept, and
-- only for as long as the key counts.
ALTER TABLE events ADD COLUMN idempotency_digest bytea UNIQUE;
-- Until now there was one API key.
UPDATE events SET idempotency_digest = sha256(convert_to('["first",' || to_json(idempotency_key) || ']', 'UTF8'))
  WHERE idempotency_key IS NOT NULL;
ALTER TABLE events DROP COLUMN idempotency_key;
