DROP INDEX articles_count_by_assignee_idx;
DROP INDEX articles_count_by_section_idx;
DROP INDEX articles_count_by_creator_idx;
DROP INDEX articles_count_idx;
DROP TABLE article_words;
DROP TABLE article_leases;
DROP TABLE article_previews;
