-- Old revisions that readers never saw are found by their age, when the settings say that they are not kept for ever.
CREATE INDEX article_revisions_is_published_created_at_idx ON article_revisions (is_published, created_at);
