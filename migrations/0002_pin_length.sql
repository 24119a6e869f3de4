-- pin.length in pforte.yaml may change while PINs are out. How likely a guess is and who can still
-- type their PIN depends on how long each one is, which a digest does not tell.

ALTER TABLE pins ADD COLUMN length smallint;
-- Those from before have the length that is asked for; 5 is what pforte.yaml has by default.
UPDATE pins SET length = coalesce((SELECT max((flow -> 'pin' ->> 'length')::smallint) FROM flows WHERE superseded_at IS NULL), 5);
ALTER TABLE pins ALTER COLUMN length SET NOT NULL;
