CREATE INDEX webhook_deliveries_next_at_idx ON webhook_deliveries (next_at) WHERE state = 'pending';
DROP INDEX webhook_deliveries_position_key;
CREATE UNIQUE INDEX webhook_deliveries_webhook_id_position_key ON webhook_deliveries (webhook_id, position);

UPDATE webhook_deliveries
  SET payload = (SELECT shared.payload FROM webhook_payloads AS shared WHERE shared.position = webhook_deliveries.position)
  WHERE payload IS NULL;
ALTER TABLE webhook_deliveries ALTER COLUMN payload SET NOT NULL;
DROP TABLE webhook_payloads;
