-- What lists say of a body without reading it; null for bodies from before.
ALTER TABLE article_bodies ADD COLUMN gist TEXT;
