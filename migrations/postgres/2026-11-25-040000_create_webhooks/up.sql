-- Addresses that are told of changes, what they want to know, and how they fare.
CREATE TABLE webhooks (
  id UUID NOT NULL PRIMARY KEY,
  url TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C",
  -- Lists in JSON: the events and the ids of the filters; an empty one lets everything pass.
  events TEXT COLLATE "C" NOT NULL,
  sections TEXT COLLATE "C" NOT NULL,
  tags TEXT COLLATE "C" NOT NULL,
  is_enabled BOOLEAN NOT NULL,
  disabled_reason TEXT COLLATE "C",
  -- Sealed with the key of the installation.
  secret TEXT COLLATE "C" NOT NULL,
  old_secret TEXT COLLATE "C",
  old_secret_until TIMESTAMP(3),
  -- The place in the change log after which it is told.
  since BIGINT NOT NULL,
  failing_since TIMESTAMP(3),
  paused_until TIMESTAMP(3),
  revision INTEGER NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  created_by UUID NOT NULL REFERENCES users (id),
  updated_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX webhooks_created_by_idx ON webhooks (created_by);

-- What is to be told to one of them, and how that went.
CREATE TABLE webhook_deliveries (
  id UUID NOT NULL PRIMARY KEY,
  webhook_id UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  -- The place of the change in the log; none for a test.
  position BIGINT,
  -- What is told about the same subject is told in order.
  subject_id UUID NOT NULL,
  event TEXT COLLATE "C" NOT NULL,
  payload TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'dead')),
  n_attempts INTEGER NOT NULL,
  -- The attempts as JSON, and the beginning of the last answer.
  attempts TEXT COLLATE "C" NOT NULL,
  answer TEXT COLLATE "C",
  created_at TIMESTAMP(3) NOT NULL,
  next_at TIMESTAMP(3) NOT NULL,
  leased_by TEXT COLLATE "C",
  leased_until TIMESTAMP(3),
  finished_at TIMESTAMP(3)
);
CREATE UNIQUE INDEX webhook_deliveries_webhook_id_position_key ON webhook_deliveries (webhook_id, position);
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (webhook_id, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_next_at_idx ON webhook_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_subject_id_idx ON webhook_deliveries (webhook_id, subject_id, position) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_finished_at_idx ON webhook_deliveries (finished_at) WHERE finished_at IS NOT NULL;
