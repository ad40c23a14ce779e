-- Addresses that are told of changes, what they want to know, and how they fare.
CREATE TABLE webhooks (
  id BLOB NOT NULL PRIMARY KEY,
  url TEXT NOT NULL,
  description TEXT,
  -- Lists in JSON: the events and the ids of the filters; an empty one lets everything pass.
  events TEXT NOT NULL,
  sections TEXT NOT NULL,
  tags TEXT NOT NULL,
  is_enabled BOOLEAN NOT NULL,
  disabled_reason TEXT,
  -- Sealed with the key of the installation.
  secret TEXT NOT NULL,
  old_secret TEXT,
  old_secret_until TIMESTAMP,
  -- The place in the change log after which it is told.
  since INTEGER NOT NULL,
  failing_since TIMESTAMP,
  paused_until TIMESTAMP,
  revision INTEGER NOT NULL,
  created_at TIMESTAMP NOT NULL,
  created_by BLOB NOT NULL REFERENCES users (id),
  updated_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX webhooks_created_by_idx ON webhooks (created_by);

-- What is to be told to one of them, and how that went.
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
CREATE UNIQUE INDEX webhook_deliveries_webhook_id_position_key ON webhook_deliveries (webhook_id, position);
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (webhook_id, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_next_at_idx ON webhook_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_subject_id_idx ON webhook_deliveries (webhook_id, subject_id, position) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_finished_at_idx ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
