-- Only what is sealed is in the indexes of the filters: an entry that is written is in one index besides its key, and comes
-- into the others with hundreds of others at once.
DROP INDEX audit_at_idx;
DROP INDEX audit_actor_id_idx;
DROP INDEX audit_actor_idx;
DROP INDEX audit_action_idx;
DROP INDEX audit_resource_idx;
DROP INDEX audit_resource_id_idx;
DROP INDEX audit_request_id_idx;
CREATE INDEX audit_at_idx ON audit (at, id) WHERE position IS NOT NULL;
CREATE INDEX audit_actor_id_idx ON audit (actor_id, at, id) WHERE position IS NOT NULL AND actor_id IS NOT NULL;
CREATE INDEX audit_actor_idx ON audit (actor, at, id) WHERE position IS NOT NULL AND actor_id IS NULL;
CREATE INDEX audit_action_idx ON audit (action, at, id) WHERE position IS NOT NULL;
CREATE INDEX audit_resource_idx ON audit (resource, at, id) WHERE position IS NOT NULL;
CREATE INDEX audit_resource_id_idx ON audit (resource_id, at, id) WHERE position IS NOT NULL;
CREATE INDEX audit_request_id_idx ON audit (request_id, at, id) WHERE position IS NOT NULL AND request_id IS NOT NULL;
