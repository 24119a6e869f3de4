-- Webhooks: who wants to be told what, and what each is to be told. A delivery is written by a trigger in the transaction of the
-- change that it tells, so that none is told that did not happen and none that did is left out.

CREATE TABLE webhooks (
  id uuid PRIMARY KEY,
  url text NOT NULL,
  description text NOT NULL DEFAULT '',
  -- Names of events (domain/webhook/events.ts), or just `*` for all.
  events text[] NOT NULL,
  -- Encrypted (store/keys.ts). The one before signs as well until then.
  secret bytea NOT NULL,
  old_secret bytea,
  old_secret_until timestamptz,
  -- Switched off, and why: `api`, or `gone` where the receiver answered 410.
  disabled_at timestamptz,
  disabled_why text,
  created_at timestamptz NOT NULL,
  CHECK ((old_secret IS NULL) = (old_secret_until IS NULL) AND (disabled_at IS NULL) = (disabled_why IS NULL))
);
CREATE INDEX webhooks_newest ON webhooks (created_at DESC, id DESC);
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON webhooks FOR EACH ROW EXECUTE FUNCTION audit_change('', 'secret,old_secret');

-- How a receiver does, apart from what people said of it: failures in a row, and until when it is left alone.
CREATE TABLE webhook_health (
  webhook_id uuid PRIMARY KEY REFERENCES webhooks ON DELETE CASCADE,
  failures integer NOT NULL,
  rests_until timestamptz
) WITH (fillfactor = 50);

-- Taken away by somebody; what was to be delivered goes piece by piece.
CREATE TABLE webhooks_removed (
  webhook_id uuid PRIMARY KEY,
  removed_at timestamptz NOT NULL
);

-- No foreign key: calls and messages would lock the webhook's row with each event.
CREATE TABLE webhook_deliveries (
  -- What the receiver sees as webhook-id: the same at every try.
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- In the order in which they happened, as far as one object goes: it is drawn while the object's row is locked.
  seq bigint GENERATED ALWAYS AS IDENTITY,
  webhook_id uuid NOT NULL,
  type text NOT NULL,
  -- What it tells of. Those of one object are told one after the other.
  object text NOT NULL,
  object_id text NOT NULL,
  data jsonb NOT NULL,
  -- Times are whole milliseconds, because pages of the list begin behind one, and so does what is due.
  happened_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  -- While it is pending: when it is tried next, and since when it is tried, which says when it is given up.
  next_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
  since timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
  last_at timestamptz,
  last_status integer,
  last_error text,
  done_at timestamptz,
  CHECK ((done_at IS NULL) = (state = 'pending'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, seq) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (webhook_id, object, object_id, seq) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (webhook_id, happened_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (webhook_id, state, happened_at DESC, id DESC);
-- What is held about somebody is found by what it tells of; what has been kept for long enough by when it ended.
CREATE INDEX webhook_deliveries_by_object ON webhook_deliveries (object, object_id);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (done_at, id) WHERE state <> 'pending';

-- ---------------------------------------------------------------- telling

-- ISO 8601 in UTC, as the API shows times.
CREATE FUNCTION webhook_time(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE FUNCTION webhook_ms(passed interval) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN passed < interval '0' THEN 0 ELSE round(extract(epoch FROM passed) * 1000)::bigint END;

-- An event, for each webhook that wants it. Called in the transaction of what happened. NOTIFY is a hint for the process that
-- delivers and comes with the commit; what is to be delivered is in the rows.
CREATE FUNCTION webhook_event(p_type text, p_object text, p_object_id text, p_data jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO webhook_deliveries (webhook_id, type, object, object_id, data)
  SELECT w.id, p_type, p_object, p_object_id, p_data FROM webhooks w
  WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', p_type];
  IF FOUND THEN
    PERFORM pg_notify('pforte_webhooks', w.id::text) FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', p_type];
  END IF;
END
$$;

-- The triggers look first whether anybody wants to know: with nobody, an event costs a look into a table without rows. They stand
-- in plpgsql and name columns as it is run, because later migrations may change them.

-- ---------------------------------------------------------------- tickets

-- As the API shows it, but for what depends on the moment at which it is read (its clocks). to_jsonb, because columns that later
-- migrations add are wanted, too.
CREATE FUNCTION tell_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_type text := CASE TG_OP WHEN 'INSERT' THEN 'ticket.created' ELSE 'ticket.changed' END;
  r jsonb;
BEGIN
  IF NOT EXISTS (SELECT FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', v_type]) THEN
    RETURN NULL;
  END IF;
  r := to_jsonb(NEW);
  PERFORM webhook_event(v_type, 'ticket', NEW.id::text, jsonb_build_object(
    'id', NEW.id, 'number', NEW.number, 'customerId', NEW.customer_id, 'contractId', r -> 'contract_id', 'caller', NEW.caller,
    'subject', NEW.subject, 'status', NEW.status, 'source', NEW.source, 'version', NEW.version, 'fault', r -> 'fault',
    'mergedInto', r -> 'merged_into', 'createdAt', webhook_time(NEW.created_at), 'updatedAt', webhook_time(NEW.updated_at),
    'voicemail', (SELECT jsonb_build_object('durationMs', duration_ms) FROM recordings WHERE ticket_id = NEW.id AND duration_ms IS NOT NULL)));
  RETURN NULL;
END
$$;
-- At the commit: its recording comes after it, in the same transaction.
CREATE CONSTRAINT TRIGGER tell_new AFTER INSERT ON tickets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell_ticket();
-- Every change that shows makes another version.
CREATE CONSTRAINT TRIGGER tell_changed AFTER UPDATE ON tickets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION tell_ticket();

-- ---------------------------------------------------------------- calls

CREATE FUNCTION tell_call() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_type text;
BEGIN
  FOREACH v_type IN ARRAY CASE WHEN TG_OP = 'UPDATE' THEN ARRAY['call.ended']
    WHEN NEW.ended_at IS NULL THEN ARRAY['call.started'] ELSE ARRAY['call.started', 'call.ended'] END
  LOOP
    IF EXISTS (SELECT FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', v_type]) THEN
      PERFORM webhook_event(v_type, 'call', NEW.id, jsonb_build_object(
        'id', NEW.id, 'line', NEW.line, 'caller', NEW.caller, 'customerId', NEW.customer_id, 'contractId', NEW.contract_id,
        'startedAt', webhook_time(NEW.started_at), 'answeredAt', webhook_time(NEW.answered_at), 'endedAt', webhook_time(NEW.ended_at),
        'outcome', NEW.outcome, 'agentId', NEW.agent_id,
        'waitMs', webhook_ms(coalesce(NEW.connected_at, NEW.ended_at) - NEW.queued_at),
        'talkMs', webhook_ms(NEW.ended_at - NEW.connected_at),
        'ticketId', coalesce(NEW.ticket_id, (SELECT t.id FROM tickets t WHERE t.call_id = NEW.id ORDER BY t.id LIMIT 1)),
        'path', (
          SELECT coalesce(jsonb_agg(jsonb_build_object('step', e -> 'step', 'outcome', e -> 'outcome',
            'enteredAt', webhook_time(to_timestamp((e ->> 'enteredAt')::float8 / 1000.0))) ORDER BY place), '[]')
          FROM jsonb_array_elements(NEW.path) WITH ORDINALITY AS entries (e, place))));
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;
CREATE TRIGGER tell_started AFTER INSERT ON calls FOR EACH ROW EXECUTE FUNCTION tell_call();
CREATE TRIGGER tell_ended AFTER UPDATE ON calls FOR EACH ROW
  WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION tell_call();

-- ---------------------------------------------------------------- messages

-- Without their text, which is nobody's business who does not ask for it with a key, and without parts and trace.
CREATE FUNCTION webhook_message(
  p_id uuid, p_direction text, p_recipient text, p_sender text, p_template text, p_ticket_id uuid, p_customer_id uuid, p_state text,
  p_created_at timestamptz
) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN jsonb_build_object(
    'id', p_id, 'direction', p_direction, 'to', p_recipient, 'from', p_sender, 'template', p_template, 'ticketId', p_ticket_id,
    'customerId', p_customer_id, 'state', p_state, 'createdAt', webhook_time(p_created_at));

-- A batch at a time, because the outbox writes them by the hundred.
CREATE FUNCTION tell_new_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', 'message.changed', 'reply.received']) THEN
    RETURN NULL;
  END IF;
  INSERT INTO webhook_deliveries (webhook_id, type, object, object_id, data)
  SELECT w.id, what.type, 'message', m.id::text,
    webhook_message(m.id, m.direction, m.recipient, m.sender, m.template, m.ticket_id, m.customer_id, m.state, m.created_at)
  FROM new_rows m
  CROSS JOIN LATERAL (SELECT CASE m.direction WHEN 'in' THEN 'reply.received' ELSE 'message.changed' END AS type) what
  JOIN webhooks w ON w.disabled_at IS NULL AND w.events && ARRAY['*', what.type];
  IF FOUND THEN
    PERFORM pg_notify('pforte_webhooks', w.id::text) FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', 'message.changed', 'reply.received'];
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER tell_new AFTER INSERT ON messages REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION tell_new_messages();

CREATE FUNCTION tell_changed_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', 'message.changed']) THEN
    RETURN NULL;
  END IF;
  INSERT INTO webhook_deliveries (webhook_id, type, object, object_id, data)
  SELECT w.id, 'message.changed', 'message', m.id::text,
    webhook_message(m.id, m.direction, m.recipient, m.sender, m.template, m.ticket_id, m.customer_id, m.state, m.created_at)
  FROM new_rows m
  JOIN old_rows o ON o.id = m.id AND o.state <> m.state
  JOIN webhooks w ON w.disabled_at IS NULL AND w.events && ARRAY['*', 'message.changed'];
  IF FOUND THEN
    PERFORM pg_notify('pforte_webhooks', w.id::text) FROM webhooks w WHERE w.disabled_at IS NULL AND w.events && ARRAY['*', 'message.changed'];
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER tell_changed AFTER UPDATE ON messages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION tell_changed_messages();
