-- Ids are UUIDv7. Times are UTC with milliseconds. JSON documents are text. Text that is compared or sorted
-- is in byte order, as on SQLite.

-- Values that belong to this installation and that all its nodes share, such as the key that signs cursors.
CREATE TABLE instance (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE staff (
  id UUID NOT NULL PRIMARY KEY,
  slug TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CONSTRAINT staff_kind_check CHECK (kind IN ('person', 'organization')),
  title TEXT,
  bio_blocks TEXT NOT NULL,
  bio_html TEXT NOT NULL,
  contact_email TEXT,
  contact_phone TEXT,
  links TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  trashed_at TIMESTAMP(3)
);
CREATE INDEX staff_slug_idx ON staff (slug);

CREATE TABLE users (
  id UUID NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  email_key TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL CONSTRAINT users_role_check CHECK (role IN ('author', 'editor', 'admin')),
  staff_id UUID REFERENCES staff (id),
  password_hash TEXT,
  is_disabled BOOLEAN NOT NULL,
  revision INTEGER NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  trashed_at TIMESTAMP(3)
);
CREATE UNIQUE INDEX users_email_key_key ON users (email_key);
CREATE INDEX users_staff_id_idx ON users (staff_id);

-- A login; its refresh tokens are one family.
CREATE TABLE sessions (
  id UUID NOT NULL PRIMARY KEY,
  user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  user_agent TEXT,
  created_at TIMESTAMP(3) NOT NULL,
  last_used_at TIMESTAMP(3) NOT NULL,
  expires_at TIMESTAMP(3) NOT NULL,
  revoked_at TIMESTAMP(3)
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id, created_at);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE refresh_tokens (
  digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  created_at TIMESTAMP(3) NOT NULL,
  replaced_at TIMESTAMP(3)
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);

CREATE TABLE password_resets (
  user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  digest TEXT COLLATE "C" NOT NULL,
  expires_at TIMESTAMP(3) NOT NULL
);
CREATE UNIQUE INDEX password_resets_digest_key ON password_resets (digest);

-- Password tries per account and per source; the key is a keyed digest, never an address.
CREATE TABLE throttles (
  key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  attempts INTEGER NOT NULL,
  window_ends_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX throttles_window_ends_at_idx ON throttles (window_ends_at);

CREATE TABLE idempotency_keys (
  scope TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  request_digest TEXT COLLATE "C" NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMP(3) NOT NULL
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

CREATE TABLE sections (
  id UUID NOT NULL PRIMARY KEY,
  slug TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  description TEXT,
  parent_id UUID REFERENCES sections (id),
  path TEXT COLLATE "C" NOT NULL,
  position INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  trashed_at TIMESTAMP(3)
);
CREATE INDEX sections_path_idx ON sections (path);
CREATE INDEX sections_parent_id_idx ON sections (parent_id);

CREATE TABLE tags (
  id UUID NOT NULL PRIMARY KEY,
  slug TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  description TEXT,
  merged_into_id UUID REFERENCES tags (id),
  revision INTEGER NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  trashed_at TIMESTAMP(3)
);
CREATE INDEX tags_slug_idx ON tags (slug);
CREATE INDEX tags_merged_into_id_idx ON tags (merged_into_id);

-- Every slug that a section, a staff profile, a tag or an article's working copy has or had.
-- The key is the slug with look-alike letters folded, so that one spelling has one owner.
CREATE TABLE slugs (
  kind TEXT COLLATE "C" NOT NULL CONSTRAINT slugs_kind_check CHECK (kind IN ('article', 'section', 'staff', 'tag')),
  key TEXT COLLATE "C" NOT NULL,
  resource_id UUID NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  CONSTRAINT slugs_pkey PRIMARY KEY (kind, key)
);
CREATE INDEX slugs_resource_id_idx ON slugs (resource_id);

-- What sections, staff profiles, tags and users looked like at each revision (without passwords).
CREATE TABLE resource_revisions (
  resource_id UUID NOT NULL,
  number INTEGER NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  content TEXT NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  created_by UUID REFERENCES users (id),
  CONSTRAINT resource_revisions_pkey PRIMARY KEY (resource_id, number)
);
CREATE INDEX resource_revisions_created_by_idx ON resource_revisions (created_by);

-- The working copy: the newest revision of each article, and what is needed to list and find it.
CREATE TABLE articles (
  id UUID NOT NULL PRIMARY KEY,
  slug TEXT COLLATE "C" NOT NULL,
  title TEXT NOT NULL,
  state TEXT COLLATE "C" NOT NULL CONSTRAINT articles_state_check CHECK (state IN ('draft', 'in_review', 'approved', 'scheduled', 'published', 'withdrawn', 'killed')),
  section_id UUID REFERENCES sections (id),
  content TEXT NOT NULL,
  body_digest TEXT COLLATE "C" NOT NULL,
  revision INTEGER NOT NULL,
  edited_revision INTEGER NOT NULL,
  live_revision INTEGER,
  first_published_at TIMESTAMP(3),
  published_at TIMESTAMP(3),
  resumes_state TEXT COLLATE "C",
  publish_at TIMESTAMP(3),
  withdraw_at TIMESTAMP(3),
  review_note TEXT,
  corrections TEXT NOT NULL,
  assigned_to UUID REFERENCES users (id),
  created_at TIMESTAMP(3) NOT NULL,
  created_by UUID NOT NULL REFERENCES users (id),
  updated_at TIMESTAMP(3) NOT NULL,
  updated_by UUID NOT NULL REFERENCES users (id),
  trashed_at TIMESTAMP(3)
);
CREATE INDEX articles_updated_at_idx ON articles (updated_at, id);
CREATE INDEX articles_state_idx ON articles (state, updated_at, id);
CREATE INDEX articles_section_id_idx ON articles (section_id, updated_at, id);
CREATE INDEX articles_created_by_idx ON articles (created_by, updated_at, id);
CREATE INDEX articles_updated_by_idx ON articles (updated_by);
CREATE INDEX articles_assigned_to_idx ON articles (assigned_to, updated_at, id);
CREATE INDEX articles_trashed_idx ON articles (updated_at, id) WHERE trashed_at IS NOT NULL;

CREATE TABLE article_revisions (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  summary TEXT NOT NULL,
  note TEXT,
  size_bytes INTEGER NOT NULL,
  is_published BOOLEAN NOT NULL,
  content TEXT NOT NULL,
  body_digest TEXT COLLATE "C" NOT NULL,
  created_at TIMESTAMP(3) NOT NULL,
  created_by UUID NOT NULL REFERENCES users (id),
  CONSTRAINT article_revisions_pkey PRIMARY KEY (article_id, number)
);
CREATE INDEX article_revisions_created_by_idx ON article_revisions (created_by);

-- Bodies by content: a body that did not change between revisions is stored once.
CREATE TABLE article_bodies (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  digest TEXT COLLATE "C" NOT NULL,
  blocks TEXT NOT NULL,
  CONSTRAINT article_bodies_pkey PRIMARY KEY (article_id, digest)
);

CREATE TABLE article_staff (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  staff_id UUID NOT NULL REFERENCES staff (id),
  CONSTRAINT article_staff_pkey PRIMARY KEY (article_id, staff_id)
);
CREATE INDEX article_staff_staff_id_idx ON article_staff (staff_id);

CREATE TABLE article_tags (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  tag_id UUID NOT NULL REFERENCES tags (id),
  CONSTRAINT article_tags_pkey PRIMARY KEY (article_id, tag_id)
);
CREATE INDEX article_tags_tag_id_idx ON article_tags (tag_id);

-- The live copy: what readers see, or will see: nothing before `published_at`, and nothing from `visible_until` on.
-- Written by publish, schedule, correct, withdraw and kill; read by everyone.
CREATE TABLE live_articles (
  id UUID NOT NULL PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
  slug TEXT COLLATE "C" NOT NULL,
  revision INTEGER NOT NULL,
  kicker TEXT,
  title TEXT NOT NULL,
  standfirst TEXT,
  excerpt TEXT NOT NULL,
  excerpt_is_derived BOOLEAN NOT NULL,
  byline TEXT,
  language TEXT NOT NULL,
  dateline TEXT,
  section_id UUID NOT NULL REFERENCES sections (id),
  is_featured BOOLEAN NOT NULL,
  source_name TEXT,
  source_url TEXT,
  seo_title TEXT,
  seo_description TEXT,
  seo_canonical_url TEXT,
  extensions TEXT,
  word_count INTEGER NOT NULL,
  reading_minutes INTEGER NOT NULL,
  first_published_at TIMESTAMP(3) NOT NULL,
  published_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  changed_at TIMESTAMP(3) NOT NULL,
  visible_until TIMESTAMP(3),
  corrections TEXT NOT NULL
);
CREATE UNIQUE INDEX live_articles_slug_key ON live_articles (slug);
CREATE INDEX live_articles_section_id_idx ON live_articles (section_id);

CREATE TABLE live_bodies (
  article_id UUID NOT NULL PRIMARY KEY REFERENCES live_articles (id) ON DELETE CASCADE,
  blocks TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT NOT NULL,
  depends_on_links BOOLEAN NOT NULL
);

CREATE TABLE live_authors (
  article_id UUID NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  staff_id UUID NOT NULL REFERENCES staff (id),
  role TEXT COLLATE "C" NOT NULL CONSTRAINT live_authors_role_check
    CHECK (role IN ('author', 'contributor', 'photographer', 'translator', 'editor')),
  CONSTRAINT live_authors_pkey PRIMARY KEY (article_id, position)
);
CREATE INDEX live_authors_staff_id_idx ON live_authors (staff_id);

CREATE TABLE live_tags (
  article_id UUID NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  tag_id UUID NOT NULL REFERENCES tags (id),
  CONSTRAINT live_tags_pkey PRIMARY KEY (article_id, position)
);
CREATE INDEX live_tags_tag_id_idx ON live_tags (tag_id);

CREATE TABLE live_related (
  article_id UUID NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  related_id UUID NOT NULL,
  CONSTRAINT live_related_pkey PRIMARY KEY (article_id, position)
);
CREATE INDEX live_related_related_id_idx ON live_related (related_id);

-- The articles that a live body leads to; they need not be there.
CREATE TABLE live_links (
  article_id UUID NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
  target_id UUID NOT NULL,
  CONSTRAINT live_links_pkey PRIMARY KEY (article_id, target_id)
);
CREATE INDEX live_links_target_id_idx ON live_links (target_id);

-- One row per list that an article stands in: all articles, each section above it, each tag, each author,
-- its language, the featured ones. Every list is a range of this table, whatever its filters.
CREATE TABLE live_facets (
  facet BYTEA NOT NULL,
  published_at TIMESTAMP(3) NOT NULL,
  article_id UUID NOT NULL REFERENCES live_articles (id) ON DELETE CASCADE,
  updated_at TIMESTAMP(3) NOT NULL,
  visible_until TIMESTAMP(3),
  CONSTRAINT live_facets_pkey PRIMARY KEY (facet, published_at, article_id)
);
CREATE INDEX live_facets_updated_at_idx ON live_facets (facet, updated_at, article_id);
CREATE UNIQUE INDEX live_facets_article_id_key ON live_facets (article_id, facet);

-- Every slug under which readers have seen an article.
CREATE TABLE live_slugs (
  key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX live_slugs_article_id_idx ON live_slugs (article_id);

-- What happens by the clock and is not recorded yet. Readers see it at its time all the same; this is what is noted then.
CREATE TABLE article_due (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  event TEXT COLLATE "C" NOT NULL CONSTRAINT article_due_event_check CHECK (event IN ('publish', 'withdraw')),
  at TIMESTAMP(3) NOT NULL,
  CONSTRAINT article_due_pkey PRIMARY KEY (article_id, event)
);
CREATE INDEX article_due_at_idx ON article_due (at);

-- What readers saw, from when until when: one row for each time that something was put before them.
CREATE TABLE article_publications (
  article_id UUID NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  visible_from TIMESTAMP(3) NOT NULL,
  visible_until TIMESTAMP(3),
  first_published_at TIMESTAMP(3) NOT NULL,
  published_at TIMESTAMP(3) NOT NULL,
  updated_at TIMESTAMP(3) NOT NULL,
  corrections TEXT NOT NULL,
  CONSTRAINT article_publications_pkey PRIMARY KEY (article_id, number)
);

-- What readers are told at the address of an article that was killed.
CREATE TABLE live_notices (
  article_id UUID NOT NULL PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
  notice TEXT NOT NULL,
  killed_at TIMESTAMP(3) NOT NULL
);

-- The change log: one row for everything that altered what readers can see, in the same transaction.
CREATE TABLE changes (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at TIMESTAMP(3) NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  resource TEXT COLLATE "C" NOT NULL,
  resource_id UUID NOT NULL,
  keys TEXT NOT NULL
);
CREATE INDEX changes_at_idx ON changes (at);
