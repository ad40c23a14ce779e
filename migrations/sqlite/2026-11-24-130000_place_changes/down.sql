DROP INDEX changes_unplaced_idx;
DROP INDEX changes_position_idx;
ALTER TABLE changes DROP COLUMN position;
