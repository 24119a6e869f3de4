-- Messages are listed by what filters them. Those of a ticket, to a number or from one have an index already; all others are read
-- state by state, newest first, and merged: one index for the whole list and for a filter by state, in the place of the one by
-- time alone, so that a message costs no more to write than before. Template and sender stand at its end, where a scan tells
-- those that do not fit apart without a look at their rows.
DROP INDEX messages_newest;
CREATE INDEX messages_by_state ON messages (state, created_at DESC, id DESC, template, sender);
