DROP TABLE article_words_due;
