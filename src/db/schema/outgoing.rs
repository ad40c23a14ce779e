//! The tables of what is sent to others.

table! {
    webhooks (id) {
        id -> Id,
        url -> Text,
        description -> Nullable<Text>,
        events -> Text,
        sections -> Text,
        tags -> Text,
        is_enabled -> Bool,
        disabled_reason -> Nullable<Text>,
        secret -> Text,
        old_secret -> Nullable<Text>,
        old_secret_until -> Nullable<Timestamp>,
        since -> BigInt,
        failing_since -> Nullable<Timestamp>,
        paused_until -> Nullable<Timestamp>,
        revision -> Integer,
        created_at -> Timestamp,
        created_by -> Id,
        updated_at -> Timestamp,
    }
}

table! {
    webhook_deliveries (id) {
        id -> Id,
        webhook_id -> Id,
        position -> Nullable<BigInt>,
        subject_id -> Id,
        event -> Text,
        payload -> Nullable<Text>,
        state -> Text,
        n_attempts -> Integer,
        attempts -> Text,
        answer -> Nullable<Text>,
        created_at -> Timestamp,
        next_at -> Timestamp,
        leased_by -> Nullable<Text>,
        leased_until -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
    }
}

table! {
    webhook_payloads (position) {
        position -> BigInt,
        payload -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(webhooks, webhook_deliveries, webhook_payloads);
