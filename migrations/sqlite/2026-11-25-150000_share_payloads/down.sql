CREATE TEMPORARY TABLE kept_deliveries AS SELECT * FROM webhook_deliveries;
DROP TABLE webhook_deliveries;
CREATE TABLE webhook_deliveries (
  id BLOB NOT NULL PRIMARY KEY,
  webhook_id BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  -- The place of the change in the log; none for a test.
  position INTEGER,
  -- What is told about the same subject is told in order.
  subject_id BLOB NOT NULL,
  event TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'dead')),
  n_attempts INTEGER NOT NULL,
  -- The attempts as JSON, and the beginning of the last answer.
  attempts TEXT NOT NULL,
  answer TEXT,
  created_at TIMESTAMP NOT NULL,
  next_at TIMESTAMP NOT NULL,
  leased_by TEXT,
  leased_until TIMESTAMP,
  finished_at TIMESTAMP
) WITHOUT ROWID;
INSERT INTO webhook_deliveries
  (id, webhook_id, position, subject_id, event, payload, state, n_attempts, attempts, answer, created_at, next_at,
   leased_by, leased_until, finished_at)
  SELECT id, webhook_id, position, subject_id, event, COALESCE(payload, (SELECT payload FROM webhook_payloads AS shared WHERE shared.position = kept_deliveries.position)), state, n_attempts, attempts, answer, created_at, next_at,
   leased_by, leased_until, finished_at FROM kept_deliveries;
DROP TABLE kept_deliveries;
CREATE UNIQUE INDEX webhook_deliveries_webhook_id_position_key ON webhook_deliveries (webhook_id, position);
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (webhook_id, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_next_at_idx ON webhook_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_subject_id_idx ON webhook_deliveries (webhook_id, subject_id, position) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_finished_at_idx ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
DROP TABLE webhook_payloads;
