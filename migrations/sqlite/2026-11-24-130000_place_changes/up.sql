-- The place of a change in the order in which followers read. SQLite has one writer, so a change gets it at once.
ALTER TABLE changes ADD COLUMN position INTEGER;
UPDATE changes SET position = id;
CREATE UNIQUE INDEX changes_position_idx ON changes (position);
CREATE INDEX changes_unplaced_idx ON changes (id) WHERE position IS NULL;
