-- The words of articles that were written just now, with spaces between, until they are put into article_words with those of
-- many other articles: each word is at another place there.
CREATE TABLE article_words_due (
  article_id BLOB NOT NULL PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
  words TEXT NOT NULL
) WITHOUT ROWID;
