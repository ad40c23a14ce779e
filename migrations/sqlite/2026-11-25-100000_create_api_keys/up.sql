-- A key with which a partner reads. What it may see and how much is in the document, in the form in which clients write it.
CREATE TABLE api_keys (
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  document TEXT NOT NULL,
  acts_for BLOB REFERENCES users (id),
  revision INTEGER NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  last_used_at TIMESTAMP,
  expires_at TIMESTAMP,
  revoked_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX api_keys_acts_for_idx ON api_keys (acts_for);

-- What opens a key: two at a time while it is rotated.
CREATE TABLE api_key_secrets (
  digest TEXT NOT NULL PRIMARY KEY,
  key_id BLOB NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  hint TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP
) WITHOUT ROWID;
CREATE INDEX api_key_secrets_key_id_idx ON api_key_secrets (key_id, created_at);

-- How often a key asked what on which day, in UTC.
CREATE TABLE api_key_usage (
  key_id BLOB NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  day TIMESTAMP NOT NULL,
  route TEXT NOT NULL,
  requests INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  CONSTRAINT api_key_usage_pkey PRIMARY KEY (key_id, day, route)
) WITHOUT ROWID;
CREATE INDEX api_key_usage_day_idx ON api_key_usage (day);

-- When a key last got an article, or the news that it is gone.
CREATE TABLE api_key_reads (
  article_id BLOB NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  key_id BLOB NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  first_read_at TIMESTAMP NOT NULL,
  last_read_at TIMESTAMP NOT NULL,
  CONSTRAINT api_key_reads_pkey PRIMARY KEY (article_id, key_id)
) WITHOUT ROWID;
CREATE INDEX api_key_reads_key_id_idx ON api_key_reads (key_id);

-- From when on those see an article who may see what is under an embargo.
ALTER TABLE live_articles ADD COLUMN embargoed_since TIMESTAMP;
