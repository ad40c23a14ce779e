-- Tokens with which somebody without a login reads an article before its readers do; only their digests.
CREATE TABLE article_previews (
  id UUID NOT NULL PRIMARY KEY,
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  digest TEXT COLLATE "C" NOT NULL,
  revision INTEGER,
  created_at TIMESTAMP(3) NOT NULL,
  created_by UUID NOT NULL REFERENCES users (id),
  expires_at TIMESTAMP(3) NOT NULL
);
CREATE UNIQUE INDEX article_previews_digest_key ON article_previews (digest);
CREATE INDEX article_previews_article_id_idx ON article_previews (article_id, id);
CREATE INDEX article_previews_created_by_idx ON article_previews (created_by);
CREATE INDEX article_previews_expires_at_idx ON article_previews (expires_at);

-- Who has an article open to edit it. Informs, does not lock.
CREATE TABLE article_leases (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  since TIMESTAMP(3) NOT NULL,
  expires_at TIMESTAMP(3) NOT NULL,
  CONSTRAINT article_leases_pkey PRIMARY KEY (article_id, user_id)
);
CREATE INDEX article_leases_user_id_idx ON article_leases (user_id);
CREATE INDEX article_leases_expires_at_idx ON article_leases (expires_at);

-- The words of each working copy's title, slug and kicker, folded as searches fold them.
CREATE TABLE article_words (
  word TEXT COLLATE "C" NOT NULL,
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  CONSTRAINT article_words_pkey PRIMARY KEY (word, article_id)
);
CREATE INDEX article_words_article_id_idx ON article_words (article_id, word);

-- How many articles stand in each state is read from these alone.
CREATE INDEX articles_count_idx ON articles (state, updated_at) WHERE trashed_at IS NULL;
CREATE INDEX articles_count_by_creator_idx ON articles (created_by, state) WHERE trashed_at IS NULL;
CREATE INDEX articles_count_by_section_idx ON articles (section_id, state) WHERE trashed_at IS NULL;
CREATE INDEX articles_count_by_assignee_idx ON articles (assigned_to, state) WHERE trashed_at IS NULL;
