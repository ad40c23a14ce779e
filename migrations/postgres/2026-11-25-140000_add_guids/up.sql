-- What feeds name an article by that another system has named before.
ALTER TABLE live_articles ADD COLUMN guid TEXT COLLATE "C";
ALTER TABLE live_notices ADD COLUMN guid TEXT COLLATE "C";
-- Two items of one feed must not have one name.
CREATE UNIQUE INDEX live_articles_guid_key ON live_articles (guid) WHERE guid IS NOT NULL;
