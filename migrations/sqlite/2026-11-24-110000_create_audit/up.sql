-- Who did what, when and from where: one row for every change of content, rights, keys and sessions, in the transaction
-- that makes the change. A row has the digest of what it says at once; soon after it is sealed: it gets the next position,
-- and a chain that follows from the one before. Nothing else ever changes a row, so no foreign key leads out of here.
CREATE TABLE audit (
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
