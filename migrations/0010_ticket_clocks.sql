-- Tickets with a promise and a legal clock: of which contract they are, what is left of its time, what TKG § 58 asks for when,
-- and which ticket is another one once more.

ALTER TABLE tickets
  ADD COLUMN contract_id uuid REFERENCES contracts ON DELETE SET NULL,
  -- The contract's, as it was when it was found. A queue that was replaced since is still found by it (queue_replacements).
  ADD COLUMN queue text,
  ADD COLUMN fault boolean NOT NULL DEFAULT false,
  -- When the fault was first reported, if that was with another ticket that was merged into this one; otherwise created_at.
  ADD COLUMN reported_at timestamptz,
  ADD COLUMN merged_into uuid REFERENCES tickets ON DELETE SET NULL,

  -- The promise as it was made: later changes of the contract make no other. domain/ticket/sla.ts counts it.
  ADD COLUMN sla_minutes integer,
  ADD COLUMN sla_hours text,
  ADD COLUMN sla_is text CHECK (sla_is IN ('running', 'paused', 'stopped')),
  ADD COLUMN sla_spent_ms bigint,
  ADD COLUMN sla_since timestamptz,
  ADD COLUMN sla_paused_reason text,
  -- When it will be overdue if nothing happens; of a completed ticket, when it would have been. Null while it is paused.
  ADD COLUMN sla_due_at timestamptz,

  -- How far the clocks have been told (domain/ticket/clocks.ts), so that each date is told once.
  ADD COLUMN sla_told smallint NOT NULL DEFAULT 0,
  ADD COLUMN legal_told smallint NOT NULL DEFAULT 0,
  -- Told so far as of the last write; what has become overdue since is found by sla_due_at.
  ADD COLUMN is_overdue boolean NOT NULL DEFAULT false,
  -- The customer was told by other means than SMS what is being done.
  ADD COLUMN notice_given_at timestamptz,
  -- When something falls due next. Null: nothing.
  ADD COLUMN clock_at timestamptz,

  ADD CONSTRAINT tickets_sla CHECK (
    (sla_is IS NULL) = (sla_minutes IS NULL) AND (sla_is IS NULL) = (sla_hours IS NULL) AND (sla_is IS NULL) = (sla_spent_ms IS NULL)
    AND (sla_is IS NOT DISTINCT FROM 'running') = (sla_since IS NOT NULL)
    AND (sla_is IS NOT DISTINCT FROM 'paused') = (sla_paused_reason IS NOT NULL));

CREATE INDEX tickets_clock ON tickets (clock_at) WHERE clock_at IS NOT NULL;
-- Looked at again when pforte.yaml has other hours.
CREATE INDEX tickets_with_clocks ON tickets (id) WHERE status <> 'completed' AND (sla_is IS NOT NULL OR fault);

-- Each list reads one of these from its front, status by status where none is asked for. The two that begin with what many tickets
-- have in common order by the time in a form that no other index has: Postgres then cannot take one of those and filter, which
-- it would where it does not know that a queue had its last ticket years ago.
CREATE INDEX tickets_by_queue ON tickets (queue, status, (created_at AT TIME ZONE 'UTC') DESC, id DESC);
CREATE INDEX tickets_by_fault ON tickets (fault, status, (created_at AT TIME ZONE 'UTC') DESC, id DESC);
CREATE INDEX tickets_overdue ON tickets (created_at DESC, id DESC) WHERE is_overdue;
CREATE INDEX tickets_running_out ON tickets (sla_due_at) WHERE sla_is = 'running' AND NOT is_overdue;
CREATE INDEX tickets_merged ON tickets (merged_into, created_at DESC, id DESC) WHERE merged_into IS NOT NULL;
-- Whose ticket was merged is looked for when they write.
CREATE INDEX tickets_merged_by_caller ON tickets (caller) WHERE merged_into IS NOT NULL;
CREATE INDEX tickets_by_contract ON tickets (contract_id) WHERE contract_id IS NOT NULL;

-- By which rules of pforte.yaml the clocks of all open tickets were wound last.
CREATE TABLE ticket_clock_rules (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  digest text NOT NULL
);
