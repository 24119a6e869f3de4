-- What people and other systems write: who wrote what, and that a request which comes twice is done once.

-- ---------------------------------------------------------------- audit

-- Every change of what people own, written by triggers in the transaction of the change.
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY,
  -- Whole milliseconds, because pages of the list begin behind one.
  at timestamptz NOT NULL,
  -- {keyId, name} of an API key, {cli} for somebody at the command line, {pforte} for a part of Pforte by itself.
  actor jsonb NOT NULL,
  actor_id text NOT NULL GENERATED ALWAYS AS (coalesce(actor ->> 'keyId', actor ->> 'cli', actor ->> 'pforte', '')) STORED,
  -- Under which the log has the request.
  request_id text,
  action text NOT NULL CHECK (action IN ('created', 'changed', 'deleted')),
  object text NOT NULL,
  object_id text NOT NULL,
  -- Whose data may be in it.
  customer_id uuid,
  -- Of a change: only the columns that changed.
  before jsonb,
  after jsonb,
  PRIMARY KEY (at, id)
);
CREATE INDEX audit_by_object ON audit (object, at, id);
CREATE INDEX audit_by_object_id ON audit (object_id, at, id);
CREATE INDEX audit_by_actor ON audit (actor_id, at, id);
CREATE INDEX audit_by_customer ON audit (customer_id, at, id) WHERE customer_id IS NOT NULL;

-- Writes the row of a change:
--   audit_change(columns that are no news, secret columns, object, column of its id)
-- All are optional; columns are named one after the other with a comma between. Of a secret column it is told that it changed,
-- never its value. Without a name the object is the table's, without its s; without a column it is `id`.
-- A transaction says who it is by set_config('pforte.actor', …, true), and with set_config('pforte.audit_values', 'none', true)
-- that what it changes shall not be written down a second time (erasing).
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
  no_news text[] := string_to_array(coalesce(TG_ARGV[0], ''), ',');
  secrets text[] := string_to_array(coalesce(TG_ARGV[1], ''), ',');
  what text := coalesce(nullif(TG_ARGV[2], ''), regexp_replace(TG_TABLE_NAME, 's$', ''));
  the_row jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
  was jsonb;
  becomes jsonb;
  secret text;
  owner uuid;
BEGIN
  IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD) - no_news; END IF;
  IF TG_OP <> 'DELETE' THEN becomes := the_row - no_news; END IF;
  IF TG_OP = 'UPDATE' THEN
    IF was = becomes THEN RETURN NULL; END IF;
    SELECT jsonb_object_agg(key, value), jsonb_object_agg(key, becomes -> key) INTO was, becomes
      FROM jsonb_each(was) WHERE value IS DISTINCT FROM becomes -> key;
  END IF;
  FOREACH secret IN ARRAY secrets LOOP
    IF was ? secret THEN was := jsonb_set(was, ARRAY[secret], '"•••••"'); END IF;
    IF becomes ? secret THEN becomes := jsonb_set(becomes, ARRAY[secret], '"•••••"'); END IF;
  END LOOP;
  IF current_setting('pforte.audit_values', true) = 'none' THEN
    SELECT jsonb_object_agg(key, NULL) INTO was FROM jsonb_each(was);
    SELECT jsonb_object_agg(key, NULL) INTO becomes FROM jsonb_each(becomes);
  END IF;
  IF TG_TABLE_NAME = 'customers' THEN
    owner := the_row ->> 'id';
  ELSIF the_row ? 'customer_id' THEN
    owner := the_row ->> 'customer_id';
  ELSIF the_row ? 'contract_id' THEN
    SELECT c.customer_id INTO owner FROM contracts c WHERE c.id = (the_row ->> 'contract_id')::uuid;
  ELSIF the_row ? 'ticket_id' THEN
    SELECT t.customer_id INTO owner FROM tickets t WHERE t.id = (the_row ->> 'ticket_id')::uuid;
  END IF;
  INSERT INTO audit (at, actor, request_id, action, object, object_id, customer_id, before, after) VALUES (
    date_trunc('milliseconds', now()),
    coalesce(nullif(current_setting('pforte.actor', true), '')::jsonb, '{"pforte": "service"}'),
    nullif(current_setting('pforte.request', true), ''),
    CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END,
    what,
    the_row ->> coalesce(nullif(TG_ARGV[3], ''), 'id'),
    owner,
    was,
    becomes);
  RETURN NULL;
END
$$;

-- The same for what one statement makes, as one more statement: an import makes a hundred thousand at a time, and row by row
-- this would cost more than all the rest of it. The trigger calls them `made`; there are no secrets among them.
CREATE FUNCTION audit_made() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
  INSERT INTO audit (at, actor, request_id, action, object, object_id, customer_id, after)
    SELECT
      date_trunc('milliseconds', now()),
      coalesce(nullif(current_setting('pforte.actor', true), '')::jsonb, '{"pforte": "service"}'),
      nullif(current_setting('pforte.request', true), ''),
      'created',
      coalesce(nullif(TG_ARGV[2], ''), regexp_replace(TG_TABLE_NAME, 's$', '')),
      the_row ->> coalesce(nullif(TG_ARGV[3], ''), 'id'),
      CASE
        WHEN TG_TABLE_NAME = 'customers' THEN (the_row ->> 'id')::uuid
        WHEN the_row ? 'customer_id' THEN (the_row ->> 'customer_id')::uuid
        ELSE (SELECT c.customer_id FROM contracts c WHERE c.id = (the_row ->> 'contract_id')::uuid)
      END,
      the_row - string_to_array(coalesce(TG_ARGV[0], ''), ',')
    FROM (SELECT to_jsonb(made) AS the_row FROM made) AS rows;
  RETURN NULL;
END
$$;

CREATE TRIGGER audit AFTER UPDATE OR DELETE ON customers FOR EACH ROW
  EXECUTE FUNCTION audit_change();
CREATE TRIGGER audit_made AFTER INSERT ON customers REFERENCING NEW TABLE AS made FOR EACH STATEMENT
  EXECUTE FUNCTION audit_made();
CREATE TRIGGER audit AFTER UPDATE OR DELETE ON customer_phone_numbers FOR EACH ROW
  EXECUTE FUNCTION audit_change('', '', 'phone_number', 'number');
CREATE TRIGGER audit_made AFTER INSERT ON customer_phone_numbers REFERENCING NEW TABLE AS made FOR EACH STATEMENT
  EXECUTE FUNCTION audit_made('', '', 'phone_number', 'number');
CREATE TRIGGER audit AFTER UPDATE OR DELETE ON contracts FOR EACH ROW
  EXECUTE FUNCTION audit_change();
CREATE TRIGGER audit_made AFTER INSERT ON contracts REFERENCING NEW TABLE AS made FOR EACH STATEMENT
  EXECUTE FUNCTION audit_made();
CREATE TRIGGER audit AFTER UPDATE OR DELETE ON pins FOR EACH ROW
  EXECUTE FUNCTION audit_change('digest,key_id');
CREATE TRIGGER audit_made AFTER INSERT ON pins REFERENCING NEW TABLE AS made FOR EACH STATEMENT
  EXECUTE FUNCTION audit_made('digest,key_id');
-- What their clocks count by themselves is no news.
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tickets FOR EACH ROW
  EXECUTE FUNCTION audit_change('updated_at,sla_spent_ms,sla_since,sla_due_at,sla_told,legal_told,is_overdue,clock_at');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON ticket_comments FOR EACH ROW
  EXECUTE FUNCTION audit_change('', '', 'comment');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON sms_consents FOR EACH ROW
  EXECUTE FUNCTION audit_change('', '', 'consent', 'number');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON announcements FOR EACH ROW
  EXECUTE FUNCTION audit_change('updated_at', '', 'announcement', 'name');
-- Only what somebody did to an agent, and not what calls do: those name no actor, and pay no more than this look.
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON agents FOR EACH ROW
  WHEN (coalesce(current_setting('pforte.actor', true), '') <> '')
  EXECUTE FUNCTION audit_change('since,until_at,free_since,call_id,offer', 'sealed_password', 'agent');

-- ---------------------------------------------------------------- idempotency

-- Answers to writes that came with an Idempotency-Key, for whoever asks again within a day. The row is written first, in the
-- transaction of the write: whoever comes with the same key meanwhile waits for it at the primary key.
CREATE TABLE idempotency_keys (
  api_key text NOT NULL,
  -- Both keyed: neither a key that is easily guessed nor a body with a PIN in it can be tried out against them.
  digest bytea NOT NULL,
  request_digest bytea NOT NULL,
  -- Status, headers and body; opens only with the Idempotency-Key itself. Never null once it is committed.
  sealed_answer bytea,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (api_key, digest)
);
CREATE INDEX idempotency_keys_oldest ON idempotency_keys (created_at);
