-- A key with which a partner reads. What it may see and how much is in the document, in the form in which clients write it.
CREATE TABLE api_keys (
  id UUID NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  document TEXT COLLATE "C" NOT NULL,
  acts_for UUID REFERENCES users (id),
  revision INTEGER NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  last_used_at TIMESTAMP(3),
  expires_at TIMESTAMP(3),
  revoked_at TIMESTAMP(3)
);
CREATE INDEX api_keys_acts_for_idx ON api_keys (acts_for);

-- What opens a key: two at a time while it is rotated.
CREATE TABLE api_key_secrets (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  key_id UUID NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  hint TEXT COLLATE "C" NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  expires_at TIMESTAMP(3)
);
CREATE INDEX api_key_secrets_key_id_idx ON api_key_secrets (key_id, created_at);

-- How often a key asked what on which day, in UTC.
CREATE TABLE api_key_usage (
  key_id UUID NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  day TIMESTAMP(3) NOT NULL,
  route TEXT COLLATE "C" NOT NULL,
  requests BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  CONSTRAINT api_key_usage_pkey PRIMARY KEY (key_id, day, route)
);
CREATE INDEX api_key_usage_day_idx ON api_key_usage (day);

-- When a key last got an article, or the news that it is gone.
CREATE TABLE api_key_reads (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  key_id UUID NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
  first_read_at TIMESTAMP(3) NOT NULL,
  last_read_at TIMESTAMP(3) NOT NULL,
  CONSTRAINT api_key_reads_pkey PRIMARY KEY (article_id, key_id)
);
CREATE INDEX api_key_reads_key_id_idx ON api_key_reads (key_id);

-- From when on those see an article who may see what is under an embargo.
ALTER TABLE live_articles ADD COLUMN embargoed_since TIMESTAMP(3);
