CREATE TABLE unsealed_audit (
  id BLOB NOT NULL PRIMARY KEY,
  at TIMESTAMP NOT NULL,
  actor_id BLOB,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  resource TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  details TEXT NOT NULL,
  address TEXT,
  request_id TEXT,
  digest TEXT NOT NULL,
  position INTEGER,
  chain TEXT
);
INSERT INTO unsealed_audit SELECT * FROM audit;
DROP TABLE audit;
ALTER TABLE unsealed_audit RENAME TO audit;
CREATE INDEX audit_at_idx ON audit (at, id);
CREATE INDEX audit_actor_id_idx ON audit (actor_id, at, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_actor_idx ON audit (actor, at, id) WHERE actor_id IS NULL;
CREATE INDEX audit_action_idx ON audit (action, at, id);
CREATE INDEX audit_resource_idx ON audit (resource, at, id);
CREATE INDEX audit_resource_id_idx ON audit (resource_id, at, id);
CREATE INDEX audit_request_id_idx ON audit (request_id, at, id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX audit_position_key ON audit (position) WHERE position IS NOT NULL;
-- What is to be sealed, which is never much.
CREATE INDEX audit_unsealed_idx ON audit (at, id) WHERE position IS NULL;
