-- Who may ask what of the HTTP API. Of a key only its SHA-256 is kept: it has 256 random bits, so nobody tries them out,
-- and a slow hash would be paid at every request.
CREATE TABLE api_keys (
  -- Is part of the key, so that whoever finds one somewhere can tell which it is.
  id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{8}$'),
  name text NOT NULL,
  digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
  scopes text[] NOT NULL CHECK (scopes <> '{}' AND scopes <@ ARRAY ['read', 'tickets', 'events', 'customers', 'admin']),
  -- Null: the usual.
  requests_per_minute integer CHECK (requests_per_minute > 0),
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute.
  last_used_at timestamptz
);

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON api_keys FOR EACH ROW
  EXECUTE FUNCTION audit_change('digest,last_used_at');
