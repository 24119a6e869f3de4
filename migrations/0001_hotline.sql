-- The hotline's tables. Times are timestamptz; the code speaks epoch milliseconds.
-- Ids of things that Pforte makes are UUIDs of version 7 (RFC 9562), drawn by the
-- process, so that (created_at, id) is also the order of making.

-- ---------------------------------------------------------------- the service

-- Tells a process with another secret apart before it writes digests that nobody can match.
CREATE TABLE service_secret (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  key_id text NOT NULL,
  check_value bytea NOT NULL
);

-- Each pforte.yaml that was ever synced.
CREATE TABLE definitions (
  version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash text NOT NULL,
  synced_at timestamptz NOT NULL
);

-- A call walks the flow it began under. `superseded_at` starts the clock for throwing one away.
CREATE TABLE flows (
  hash text PRIMARY KEY,
  flow jsonb NOT NULL,
  prompts jsonb NOT NULL,
  superseded_at timestamptz
);

CREATE TABLE lines (
  name text PRIMARY KEY,
  numbers text[] NOT NULL,
  flow text NOT NULL,
  language text NOT NULL
);

CREATE TABLE announcements (
  name text PRIMARY KEY,
  is_on boolean NOT NULL DEFAULT false,
  text jsonb NOT NULL DEFAULT '{}',
  prompts jsonb NOT NULL DEFAULT '{}',
  ends_at timestamptz,
  updated_at timestamptz NOT NULL,
  -- Out of pforte.yaml; kept, so that its text is there when the name comes back.
  removed_at timestamptz
);

-- ---------------------------------------------------------------- queues, agents

-- Queues that share agents. Dispatch holds the row's lock while it chooses.
CREATE TABLE queue_groups (
  name text PRIMARY KEY
);

CREATE TABLE queues (
  name text PRIMARY KEY,
  group_name text NOT NULL REFERENCES queue_groups,
  max_waiting integer NOT NULL,
  wrap_up_ms integer NOT NULL,
  priority_weight_ms integer NOT NULL
);
CREATE INDEX queues_by_group ON queues (group_name);

-- Where callers of an older flow go whose queue has been replaced.
CREATE TABLE queue_replacements (
  old_name text PRIMARY KEY,
  queue text NOT NULL REFERENCES queues ON DELETE CASCADE
);

CREATE TABLE agents (
  id text PRIMARY KEY,
  name text NOT NULL,
  endpoint text NOT NULL,
  skills text[] NOT NULL,
  sealed_password bytea NOT NULL,
  state text NOT NULL CHECK (state IN
    ('available', 'paused', 'offline', 'reserved', 'ringing', 'talking', 'wrap_up', 'resting')),
  reason text,
  since timestamptz NOT NULL,
  -- End of wrap-up or rest; from then on the agent counts as available without a write.
  until_at timestamptz,
  -- Idle since: whoever has the earliest gets the next caller.
  free_since timestamptz NOT NULL,
  call_id text,
  offer integer,
  -- Asked for by a human during a conversation; comes after it.
  asked_state text CHECK (asked_state IN ('paused', 'offline')),
  asked_reason text,
  removed_at timestamptz,
  CHECK ((call_id IS NOT NULL) = (state IN ('reserved', 'ringing', 'talking'))),
  CHECK ((until_at IS NOT NULL) = (state IN ('wrap_up', 'resting')))
) WITH (fillfactor = 70);

CREATE TABLE agent_queues (
  agent_id text NOT NULL REFERENCES agents ON DELETE CASCADE,
  queue text NOT NULL REFERENCES queues ON DELETE CASCADE,
  PRIMARY KEY (queue, agent_id)
);
CREATE INDEX agent_queues_by_agent ON agent_queues (agent_id);

-- One row a call. It stays after the caller has left, so that offers are never numbered twice.
CREATE TABLE queue_entries (
  call_id text PRIMARY KEY,
  queue text NOT NULL,
  priority integer NOT NULL,
  entered_at timestamptz NOT NULL,
  -- entered_at minus priority x the queue's weight: the next caller is one index read.
  sort_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'offered', 'talking', 'left')),
  offers integer NOT NULL DEFAULT 0,
  agent_id text,
  left_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX queue_entries_waiting ON queue_entries (queue, sort_at, call_id) WHERE state = 'waiting';
CREATE INDEX queue_entries_open ON queue_entries (queue) WHERE state <> 'left';
CREATE INDEX queue_entries_left ON queue_entries (left_at) WHERE state = 'left';

-- ---------------------------------------------------------------- customers, contracts, PINs

CREATE SEQUENCE customer_numbers_drawn START 100001;

CREATE TABLE customers (
  id uuid PRIMARY KEY,
  customer_number text NOT NULL UNIQUE CHECK (customer_number ~ '^[0-9]+$'),
  name text NOT NULL,
  language text NOT NULL,
  time_zone text NOT NULL,
  demo boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL
);
CREATE INDEX customers_newest ON customers (created_at DESC, id DESC);

-- E.164. A number speaks for one customer.
CREATE TABLE customer_phone_numbers (
  number text PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
  place integer NOT NULL
);
CREATE INDEX customer_phone_numbers_by_customer ON customer_phone_numbers (customer_id, place);

CREATE TABLE contracts (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES customers ON DELETE CASCADE,
  service text NOT NULL,
  queue text NOT NULL REFERENCES queues,
  priority integer NOT NULL,
  hours text NOT NULL,
  sla_minutes integer,
  valid_from timestamptz,
  valid_to timestamptz,
  created_at timestamptz NOT NULL
);
CREATE INDEX contracts_by_customer ON contracts (customer_id);
CREATE INDEX contracts_by_queue ON contracts (queue);

-- Only keyed digests. Unique among those that have not been revoked, so that one look-up finds one contract.
CREATE TABLE pins (
  id uuid PRIMARY KEY,
  contract_id uuid NOT NULL REFERENCES contracts ON DELETE CASCADE,
  digest bytea NOT NULL,
  key_id text NOT NULL,
  valid_from timestamptz,
  valid_to timestamptz,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE UNIQUE INDEX pins_in_use ON pins (digest) WHERE revoked_at IS NULL;
CREATE INDEX pins_by_contract ON pins (contract_id);
CREATE INDEX pins_running_out ON pins (valid_to) WHERE revoked_at IS NULL AND valid_to IS NOT NULL;

-- ---------------------------------------------------------------- guessing

-- Wrong PINs only; right ones need no counting and so cost no write.
CREATE TABLE pin_attempts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  line text NOT NULL,
  trunk text,
  -- Null when withheld: such callers share no counter by number.
  caller text,
  call_id text NOT NULL,
  attempted_at timestamptz NOT NULL
);
CREATE INDEX pin_attempts_by_caller ON pin_attempts (caller, attempted_at) WHERE caller IS NOT NULL;
CREATE INDEX pin_attempts_by_trunk ON pin_attempts (trunk, attempted_at) WHERE trunk IS NOT NULL;
CREATE INDEX pin_attempts_by_line ON pin_attempts (line, attempted_at);
CREATE INDEX pin_attempts_oldest ON pin_attempts (attempted_at);

-- Lines that ask for the customer number beside the PIN, and until when.
CREATE TABLE line_guards (
  line text PRIMARY KEY,
  stepped_up_until timestamptz NOT NULL
);

-- One PIN look-up in one round trip: waits its turn, counts, looks up, writes a wrong one down.
--
-- The locks make attempts of one caller number and one trunk take turns, so that guesses sent
-- side by side are judged one after the other. Each statement in here sees what was committed
-- before it began, which a single SQL statement would not: its snapshot is older than its lock.
CREATE FUNCTION look_up_pin(
  p_digest bytea, p_key_id text, p_customer_number text,
  p_line text, p_trunk text, p_caller text, p_call_id text,
  p_at timestamptz, p_since timestamptz, p_count_to integer,
  p_always_step_up boolean, p_forget_before timestamptz
) RETURNS TABLE (
  wrong_by_caller integer, wrong_by_trunk integer, wrong_by_line integer,
  steps_up boolean, matched boolean,
  contract_id uuid, customer_id uuid, queue text, priority integer, hours text,
  customer_name text, service text
) LANGUAGE plpgsql AS $$
BEGIN
  IF p_caller IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('pforte pin caller ' || p_caller, 0));
  END IF;
  IF p_trunk IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('pforte pin trunk ' || p_trunk, 0));
  END IF;

  SELECT count(*) INTO wrong_by_caller FROM (
    SELECT FROM pin_attempts a WHERE a.caller = p_caller AND a.attempted_at > p_since LIMIT p_count_to) counted;
  SELECT count(*) INTO wrong_by_trunk FROM (
    SELECT FROM pin_attempts a WHERE a.trunk = p_trunk AND a.attempted_at > p_since LIMIT p_count_to) counted;
  SELECT count(*) INTO wrong_by_line FROM (
    SELECT FROM pin_attempts a WHERE a.line = p_line AND a.attempted_at > p_since LIMIT p_count_to) counted;

  steps_up := p_always_step_up OR EXISTS (
    SELECT FROM line_guards g WHERE g.line = p_line AND g.stepped_up_until > p_at);
  matched := false;
  -- Without the customer number nothing is looked up, so the answer says nothing about the PIN.
  IF steps_up AND p_customer_number IS NULL THEN
    RETURN NEXT;
    RETURN;
  END IF;

  SELECT true, c.id, c.customer_id, c.queue, c.priority, c.hours, k.name, c.service
    INTO matched, contract_id, customer_id, queue, priority, hours, customer_name, service
    FROM pins p
    JOIN contracts c ON c.id = p.contract_id
    JOIN customers k ON k.id = c.customer_id
    WHERE p.digest = p_digest AND p.revoked_at IS NULL AND p.key_id = p_key_id
      AND (p.valid_from IS NULL OR p.valid_from <= p_at) AND (p.valid_to IS NULL OR p.valid_to > p_at)
      AND (c.valid_from IS NULL OR c.valid_from <= p_at) AND (c.valid_to IS NULL OR c.valid_to > p_at)
      AND (p_customer_number IS NULL OR k.customer_number = p_customer_number);

  IF matched IS NULL THEN
    matched := false;
    -- Half a second of counts lost when Postgres itself crashes opens nothing; a wait for the disk would hold the locks.
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO pin_attempts (line, trunk, caller, call_id, attempted_at)
      VALUES (p_line, p_trunk, p_caller, p_call_id, p_at);
    DELETE FROM pin_attempts WHERE id IN (
      SELECT a.id FROM pin_attempts a WHERE a.attempted_at < p_forget_before
      ORDER BY a.attempted_at LIMIT 5 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN NEXT;
END
$$;

-- ---------------------------------------------------------------- calls

CREATE TABLE calls (
  id text PRIMARY KEY,
  asterisk text NOT NULL,
  leg text NOT NULL,
  line text NOT NULL,
  dialled text NOT NULL,
  caller text,
  trunk text,
  language text NOT NULL,
  flow_hash text NOT NULL,
  -- What resumes the call; null once it is over.
  state jsonb,
  customer_id uuid,
  contract_id uuid,
  agent_id text,
  queued_at timestamptz,
  started_at timestamptz NOT NULL,
  answered_at timestamptz,
  connected_at timestamptz,
  ended_at timestamptz,
  outcome text,
  -- Set by the voicemail that this call left.
  ticket_id uuid,
  path jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX calls_open ON calls (asterisk) WHERE ended_at IS NULL;
CREATE INDEX calls_newest ON calls (started_at DESC, id DESC);
CREATE INDEX calls_by_caller ON calls (caller, started_at DESC, id DESC);
CREATE INDEX calls_by_line ON calls (line, started_at DESC, id DESC);
CREATE INDEX calls_by_outcome ON calls (outcome, started_at DESC, id DESC);
CREATE INDEX calls_open_by_flow ON calls (flow_hash) WHERE ended_at IS NULL;

-- ---------------------------------------------------------------- tickets

CREATE SEQUENCE ticket_numbers_drawn START 10001;

CREATE TABLE tickets (
  id uuid PRIMARY KEY,
  -- Digits that can be read out on the phone, the last one a check digit (domain/ticket/number.ts).
  number text NOT NULL UNIQUE,
  customer_id uuid REFERENCES customers ON DELETE SET NULL,
  caller text,
  subject text NOT NULL,
  status text NOT NULL CHECK (status IN ('received', 'in_progress', 'completed')),
  source text NOT NULL CHECK (source IN ('voicemail', 'call', 'api', 'sms')),
  version integer NOT NULL,
  call_id text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX tickets_newest ON tickets (created_at DESC, id DESC);
CREATE INDEX tickets_by_status ON tickets (status, created_at DESC, id DESC);
CREATE INDEX tickets_by_caller ON tickets (caller, created_at DESC, id DESC);
CREATE INDEX tickets_by_customer ON tickets (customer_id, created_at DESC, id DESC);
CREATE INDEX tickets_by_call ON tickets (call_id) WHERE call_id IS NOT NULL;

-- Every status that a ticket entered, in the transaction that entered it.
CREATE TABLE ticket_changes (
  ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
  version integer NOT NULL,
  status text NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (ticket_id, version)
);

CREATE TABLE ticket_comments (
  id uuid PRIMARY KEY,
  ticket_id uuid NOT NULL REFERENCES tickets ON DELETE CASCADE,
  author text NOT NULL,
  text text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX ticket_comments_by_ticket ON ticket_comments (ticket_id, created_at, id);

-- The name is Asterisk's, made of call and visit: the same recording comes in once.
CREATE TABLE recordings (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  ticket_id uuid NOT NULL UNIQUE REFERENCES tickets ON DELETE CASCADE,
  call_id text,
  line text,
  language text NOT NULL,
  size_bytes integer NOT NULL,
  duration_ms integer NOT NULL,
  created_at timestamptz NOT NULL
);

-- Sound in pieces of one size (store/voicemails.ts); apart from recordings, so that no list ever reads it.
CREATE TABLE recording_chunks (
  recording_id uuid NOT NULL REFERENCES recordings ON DELETE CASCADE,
  piece integer NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (recording_id, piece)
);
-- PCM hardly shrinks; compressing it would cost time at every read.
ALTER TABLE recording_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
