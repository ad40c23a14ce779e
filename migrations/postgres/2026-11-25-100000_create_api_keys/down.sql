ALTER TABLE live_articles DROP COLUMN embargoed_since;
DROP TABLE api_key_reads;
DROP TABLE api_key_usage;
DROP TABLE api_key_secrets;
DROP TABLE api_keys;
