ALTER TABLE article_bodies DROP COLUMN gist;
