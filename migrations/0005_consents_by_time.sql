-- The report counts who opted out in a period.
CREATE INDEX sms_consents_by_time ON sms_consents (said_at);
