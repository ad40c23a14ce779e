//! The tables of keys with which partners read.

table! {
    api_keys (id) {
        id -> Id,
        name -> Text,
        document -> Text,
        acts_for -> Nullable<Id>,
        revision -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        last_used_at -> Nullable<Timestamp>,
        expires_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
}

table! {
    api_key_secrets (digest) {
        digest -> Text,
        key_id -> Id,
        hint -> Text,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
    }
}

table! {
    api_key_usage (key_id, day, route) {
        key_id -> Id,
        day -> Timestamp,
        route -> Text,
        requests -> BigInt,
        refused -> BigInt,
    }
}

table! {
    api_key_reads (article_id, key_id) {
        article_id -> Id,
        key_id -> Id,
        first_read_at -> Timestamp,
        last_read_at -> Timestamp,
    }
}
