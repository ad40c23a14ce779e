-- The place of a change in the order in which followers read: given once a change can be seen, not when it is written,
-- because transactions that run at once may commit in another order than their ids. A follower with a place misses
-- nothing.
ALTER TABLE changes ADD COLUMN position BIGINT;
UPDATE changes SET position = id;
CREATE UNIQUE INDEX changes_position_idx ON changes (position);
CREATE INDEX changes_unplaced_idx ON changes (id) WHERE position IS NULL;
