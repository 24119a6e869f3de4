-- ---------------------------------------------------------------- PINs by SMS

ALTER TABLE contracts ADD COLUMN pin_by_sms boolean NOT NULL DEFAULT false;

-- The message that brings a PIN to its customer: what is not sent yet goes with a PIN that is revoked.
ALTER TABLE pins ADD COLUMN message_id uuid;

-- The text as it is sent, where nobody may read it in `body`: encrypted (store/sms/sealed-text.ts), for as long as the message may
-- still be sent.
ALTER TABLE messages ADD COLUMN sealed_text bytea;
