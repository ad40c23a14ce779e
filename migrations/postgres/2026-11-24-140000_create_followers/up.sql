-- Up to where each follower of the change log that must forget nothing has come, and which server works for it until when.
CREATE TABLE followers (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  position BIGINT NOT NULL,
  claimed_by TEXT COLLATE "C" NOT NULL,
  claimed_until TIMESTAMP(3) NOT NULL
);
