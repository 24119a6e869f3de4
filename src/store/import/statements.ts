/** Customers by the thousand: one statement for each table and batch, its columns as arrays. */

/** Of one import at a time; whoever asks behind it finds it committed or undone. */
export const takeTurn = `SELECT pg_advisory_xact_lock(hashtextextended('pforte import of customers', 0))`
export const sayWho = `SELECT set_config('pforte.actor', $1, true)`

export const insertCustomers = `
  INSERT INTO customers (id, customer_number, name, language, time_zone, created_at)
  SELECT r.*, $6::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) r`

export const insertNumbers = `
  INSERT INTO customer_phone_numbers (number, customer_id, place)
  SELECT * FROM unnest($1::text[], $2::uuid[], $3::integer[])`

export const insertContracts = `
  INSERT INTO contracts (id, customer_id, service, queue, priority, hours, sla_minutes, pin_by_sms, valid_from, valid_to, created_at)
  SELECT r.*, $11::timestamptz
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::integer[], $8::boolean[],
    $9::timestamptz[], $10::timestamptz[]) r`

/** Answers those that were free. */
export const insertPins = `
  INSERT INTO pins (id, contract_id, digest, length, message_id, key_id, created_at)
  SELECT r.*, $6, $7::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::smallint[], $5::uuid[]) r
  ON CONFLICT (digest) WHERE revoked_at IS NULL DO NOTHING
  RETURNING id`

/** Gives the digits of PINs that have run out back to the drum. */
export const retireExpired = `UPDATE pins SET revoked_at = valid_to WHERE revoked_at IS NULL AND valid_to <= $1`

export const isCustomerThere = 'SELECT id FROM customers WHERE id = $1'
export const learnSizes = 'ANALYZE customers, customer_phone_numbers, contracts, pins'
