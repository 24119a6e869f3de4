-- Wrong PINs of one line that come at the same moment count each other. Callers and trunks held a lock for that already; with a
-- forged number over another trunk each, a burst of them was counted as if each had been the first.

CREATE OR REPLACE FUNCTION look_up_pin(
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
  wrong_by_line := 0;

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
    -- Only who is wrong waits here, so those who pay pass however many guess. Under the lock the count sees all before.
    PERFORM pg_advisory_xact_lock(hashtextextended('pforte pin line ' || p_line, 0));
    SELECT count(*) INTO wrong_by_line FROM (
      SELECT FROM pin_attempts a WHERE a.line = p_line AND a.attempted_at > p_since LIMIT p_count_to) counted;
    INSERT INTO pin_attempts (line, trunk, caller, call_id, attempted_at)
      VALUES (p_line, p_trunk, p_caller, p_call_id, p_at);
    DELETE FROM pin_attempts WHERE id IN (
      SELECT a.id FROM pin_attempts a WHERE a.attempted_at < p_forget_before
      ORDER BY a.attempted_at LIMIT 5 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN NEXT;
END
$$;
