-- The words of articles that were written just now, with spaces between, until they are put into article_words with those of
-- many other articles: each word is at another place there.
CREATE TABLE article_words_due (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  words TEXT COLLATE "C" NOT NULL,
  CONSTRAINT article_words_due_pkey PRIMARY KEY (article_id)
);
