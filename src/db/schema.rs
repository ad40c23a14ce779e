//! The tables as diesel sees them, the same for both databases; kept by hand and compared with the migrations by a test.
//!
//! Only the column types that `MultiConnection` knows, and [`Id`](crate::db::types::IdSql), occur.

#![allow(missing_docs, reason = "the migrations say what each table is for")]

/// A table with the types that occur here.
macro_rules! table {
    ($($table:tt)*) => {
        diesel::table! {
            use diesel::sql_types::*;
            use crate::db::types::IdSql as Id;

            $($table)*
        }
    };
}

mod outgoing;
mod partners;

pub use self::{
    outgoing::{webhook_deliveries, webhook_payloads, webhooks},
    partners::{api_key_reads, api_key_secrets, api_key_usage, api_keys},
};

table! {
    instance (name) {
        name -> Text,
        value -> Text,
    }
}

table! {
    staff (id) {
        id -> Id,
        slug -> Text,
        name -> Text,
        kind -> Text,
        title -> Nullable<Text>,
        bio_blocks -> Text,
        bio_html -> Text,
        contact_email -> Nullable<Text>,
        contact_phone -> Nullable<Text>,
        links -> Text,
        revision -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        trashed_at -> Nullable<Timestamp>,
    }
}

table! {
    users (id) {
        id -> Id,
        email -> Text,
        email_key -> Text,
        name -> Text,
        role -> Text,
        staff_id -> Nullable<Id>,
        password_hash -> Nullable<Text>,
        is_disabled -> Bool,
        revision -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        trashed_at -> Nullable<Timestamp>,
    }
}

table! {
    sessions (id) {
        id -> Id,
        user_id -> Id,
        user_agent -> Nullable<Text>,
        created_at -> Timestamp,
        last_used_at -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

table! {
    refresh_tokens (digest) {
        digest -> Text,
        session_id -> Id,
        created_at -> Timestamp,
        replaced_at -> Nullable<Timestamp>,
    }
}

table! {
    password_resets (user_id) {
        user_id -> Id,
        digest -> Text,
        expires_at -> Timestamp,
    }
}

table! {
    throttles (key) {
        key -> Text,
        attempts -> Integer,
        window_ends_at -> Timestamp,
    }
}

table! {
    idempotency_keys (scope) {
        scope -> Text,
        request_digest -> Text,
        status -> Integer,
        headers -> Text,
        body -> Text,
        created_at -> Timestamp,
    }
}

table! {
    sections (id) {
        id -> Id,
        slug -> Text,
        name -> Text,
        description -> Nullable<Text>,
        parent_id -> Nullable<Id>,
        path -> Text,
        position -> Integer,
        revision -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        trashed_at -> Nullable<Timestamp>,
    }
}

table! {
    tags (id) {
        id -> Id,
        slug -> Text,
        name -> Text,
        description -> Nullable<Text>,
        merged_into_id -> Nullable<Id>,
        revision -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        trashed_at -> Nullable<Timestamp>,
    }
}

table! {
    slugs (kind, key) {
        kind -> Text,
        key -> Text,
        resource_id -> Id,
        created_at -> Timestamp,
    }
}

table! {
    resource_revisions (resource_id, number) {
        resource_id -> Id,
        number -> Integer,
        kind -> Text,
        content -> Text,
        created_at -> Timestamp,
        created_by -> Nullable<Id>,
    }
}

table! {
    articles (id) {
        id -> Id,
        slug -> Text,
        title -> Text,
        state -> Text,
        section_id -> Nullable<Id>,
        content -> Text,
        body_digest -> Text,
        revision -> Integer,
        edited_revision -> Integer,
        live_revision -> Nullable<Integer>,
        first_published_at -> Nullable<Timestamp>,
        published_at -> Nullable<Timestamp>,
        resumes_state -> Nullable<Text>,
        publish_at -> Nullable<Timestamp>,
        withdraw_at -> Nullable<Timestamp>,
        review_note -> Nullable<Text>,
        corrections -> Text,
        assigned_to -> Nullable<Id>,
        created_at -> Timestamp,
        created_by -> Id,
        updated_at -> Timestamp,
        updated_by -> Id,
        trashed_at -> Nullable<Timestamp>,
    }
}

table! {
    article_revisions (article_id, number) {
        article_id -> Id,
        number -> Integer,
        kind -> Text,
        state -> Text,
        summary -> Text,
        note -> Nullable<Text>,
        size_bytes -> Integer,
        is_published -> Bool,
        content -> Text,
        body_digest -> Text,
        created_at -> Timestamp,
        created_by -> Id,
    }
}

table! {
    article_bodies (article_id, digest) {
        article_id -> Id,
        digest -> Text,
        blocks -> Text,
        gist -> Nullable<Text>,
    }
}

table! {
    article_staff (article_id, staff_id) {
        article_id -> Id,
        staff_id -> Id,
    }
}

table! {
    article_tags (article_id, tag_id) {
        article_id -> Id,
        tag_id -> Id,
    }
}

table! {
    live_articles (id) {
        id -> Id,
        slug -> Text,
        revision -> Integer,
        kicker -> Nullable<Text>,
        title -> Text,
        standfirst -> Nullable<Text>,
        excerpt -> Text,
        excerpt_is_derived -> Bool,
        byline -> Nullable<Text>,
        language -> Text,
        dateline -> Nullable<Text>,
        section_id -> Id,
        is_featured -> Bool,
        source_name -> Nullable<Text>,
        source_url -> Nullable<Text>,
        seo_title -> Nullable<Text>,
        seo_description -> Nullable<Text>,
        seo_canonical_url -> Nullable<Text>,
        extensions -> Nullable<Text>,
        word_count -> Integer,
        reading_minutes -> Integer,
        first_published_at -> Timestamp,
        published_at -> Timestamp,
        updated_at -> Timestamp,
        changed_at -> Timestamp,
        visible_until -> Nullable<Timestamp>,
        corrections -> Text,
        embargoed_since -> Nullable<Timestamp>,
        guid -> Nullable<Text>,
    }
}

table! {
    live_bodies (article_id) {
        article_id -> Id,
        blocks -> Text,
        html -> Text,
        text -> Text,
        depends_on_links -> Bool,
    }
}

table! {
    live_authors (article_id, position) {
        article_id -> Id,
        position -> Integer,
        staff_id -> Id,
        role -> Text,
    }
}

table! {
    live_tags (article_id, position) {
        article_id -> Id,
        position -> Integer,
        tag_id -> Id,
    }
}

table! {
    live_related (article_id, position) {
        article_id -> Id,
        position -> Integer,
        related_id -> Id,
    }
}

table! {
    live_links (article_id, target_id) {
        article_id -> Id,
        target_id -> Id,
    }
}

table! {
    live_facets (facet, published_at, article_id) {
        facet -> Binary,
        published_at -> Timestamp,
        article_id -> Id,
        updated_at -> Timestamp,
        visible_until -> Nullable<Timestamp>,
    }
}

table! {
    live_slugs (key) {
        key -> Text,
        article_id -> Id,
    }
}

table! {
    article_due (article_id, event) {
        article_id -> Id,
        event -> Text,
        at -> Timestamp,
    }
}

table! {
    article_publications (article_id, number) {
        article_id -> Id,
        number -> Integer,
        revision -> Integer,
        visible_from -> Timestamp,
        visible_until -> Nullable<Timestamp>,
        first_published_at -> Timestamp,
        published_at -> Timestamp,
        updated_at -> Timestamp,
        corrections -> Text,
    }
}

table! {
    live_notices (article_id) {
        article_id -> Id,
        notice -> Text,
        killed_at -> Timestamp,
        guid -> Nullable<Text>,
    }
}

table! {
    changes (id) {
        id -> BigInt,
        at -> Timestamp,
        kind -> Text,
        resource -> Text,
        resource_id -> Id,
        keys -> Text,
        position -> Nullable<BigInt>,
        details -> Nullable<Text>,
    }
}

table! {
    followers (name) {
        name -> Text,
        position -> BigInt,
        claimed_by -> Text,
        claimed_until -> Timestamp,
    }
}

table! {
    article_previews (id) {
        id -> Id,
        article_id -> Id,
        digest -> Text,
        revision -> Nullable<Integer>,
        created_at -> Timestamp,
        created_by -> Id,
        expires_at -> Timestamp,
    }
}

table! {
    article_leases (article_id, user_id) {
        article_id -> Id,
        user_id -> Id,
        since -> Timestamp,
        expires_at -> Timestamp,
    }
}

table! {
    article_words (word, article_id) {
        word -> Text,
        article_id -> Id,
    }
}

table! {
    article_words_due (article_id) {
        article_id -> Id,
        words -> Text,
    }
}

table! {
    audit (id) {
        id -> Id,
        at -> Timestamp,
        actor_id -> Nullable<Id>,
        actor -> Text,
        action -> Text,
        resource -> Text,
        resource_id -> Text,
        details -> Text,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        digest -> Text,
        position -> Nullable<BigInt>,
        chain -> Nullable<Text>,
    }
}

diesel::joinable!(article_staff -> articles (article_id));
diesel::joinable!(article_tags -> articles (article_id));
diesel::joinable!(live_articles -> sections (section_id));
diesel::joinable!(live_authors -> staff (staff_id));
diesel::joinable!(live_tags -> live_articles (article_id));
diesel::joinable!(live_tags -> tags (tag_id));

diesel::allow_tables_to_appear_in_same_query!(
    instance,
    staff,
    users,
    sessions,
    refresh_tokens,
    password_resets,
    throttles,
    idempotency_keys,
    sections,
    tags,
    slugs,
    resource_revisions,
    articles,
    article_revisions,
    article_bodies,
    article_staff,
    article_tags,
    live_articles,
    live_bodies,
    live_authors,
    live_tags,
    live_related,
    live_links,
    live_facets,
    live_slugs,
    live_notices,
    article_due,
    article_publications,
    article_previews,
    article_leases,
    article_words,
    article_words_due,
    changes,
    followers,
    api_keys,
    api_key_secrets,
    api_key_usage,
    api_key_reads,
    audit,
);
