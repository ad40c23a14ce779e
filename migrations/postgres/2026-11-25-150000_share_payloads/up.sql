-- What is told of a change, once for all who are told.
CREATE TABLE webhook_payloads (
  position BIGINT NOT NULL PRIMARY KEY,
  payload TEXT COLLATE "C" NOT NULL
);

-- What only one is told; none, when it is what all are told of the change.
ALTER TABLE webhook_deliveries ALTER COLUMN payload DROP NOT NULL;

-- By place first: what is noted together is then together in the index, too.
DROP INDEX webhook_deliveries_webhook_id_position_key;
CREATE UNIQUE INDEX webhook_deliveries_position_key ON webhook_deliveries (position, webhook_id);
DROP INDEX webhook_deliveries_next_at_idx;
