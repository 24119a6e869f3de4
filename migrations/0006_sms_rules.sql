-- By which rules of pforte.yaml all that is held was looked at last: a start with others looks at it again.
CREATE TABLE sms_rules (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  digest text NOT NULL
);
