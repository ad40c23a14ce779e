-- Up to where each follower of the change log that must forget nothing has come, and which server works for it until when.
CREATE TABLE followers (
  name TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  claimed_by TEXT NOT NULL,
  claimed_until TIMESTAMP NOT NULL
) WITHOUT ROWID;
