-- The desk's lists and its counts share an index for each filter: every index is pages more for each write.
DROP INDEX articles_count_by_assignee_idx;
DROP INDEX articles_count_by_section_idx;
DROP INDEX articles_count_by_creator_idx;
DROP INDEX articles_count_idx;
DROP INDEX articles_state_idx;
DROP INDEX articles_section_id_idx;
DROP INDEX articles_created_by_idx;
DROP INDEX articles_assigned_to_idx;
CREATE INDEX articles_state_idx ON articles (state, updated_at, id) WHERE trashed_at IS NULL;
CREATE INDEX articles_section_id_idx ON articles (section_id, updated_at, id, state, trashed_at);
CREATE INDEX articles_created_by_idx ON articles (created_by, updated_at, id, state, trashed_at);
CREATE INDEX articles_assigned_to_idx ON articles (assigned_to, updated_at, id, state, trashed_at);
