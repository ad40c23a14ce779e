DROP INDEX live_articles_guid_key;
ALTER TABLE live_notices DROP COLUMN guid;
ALTER TABLE live_articles DROP COLUMN guid;
