//! Typed ids: UUIDv7, so that they sort by the time they were made, and one type per resource, so that they cannot be
//! mixed up.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::db::types::{IdSql, sql_id};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = IdSql)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id, later in order than all that this process made before.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Reads the hyphenated form, in either case; anything else is not an id.
            pub fn parse(text: &str) -> Option<Self> {
                parse_hyphenated(text).map(Self)
            }

            /// Wraps a UUID that is known to be of this kind.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the UUID itself.
            pub const fn uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an id"))
            }
        }

        sql_id!($name);
    )*};
}

ids! {
    /// The id of an article, the same for its working and its live copy.
    ArticleId;
    /// The id of a section.
    SectionId;
    /// The id of a staff profile.
    StaffId;
    /// The id of a tag.
    TagId;
    /// The id of a user account.
    UserId;
    /// The id of a login and of the refresh tokens that descend from it.
    SessionId;
    /// The id of a token with which an article can be previewed.
    PreviewId;
    /// The id of a key with which a partner reads.
    ApiKeyId;
    /// The id of an entry of the audit.
    AuditId;
    /// The id of a webhook.
    WebhookId;
    /// The id of something that a webhook is told.
    DeliveryId;
    /// The id of any of the above, where only the log or the slug table is concerned.
    ResourceId;
}

/// Turns a typed id into the untyped one of the tables that serve several resources.
macro_rules! resource_ids {
    ($($name:ident),*) => {$(
        impl From<$name> for ResourceId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
        impl From<ResourceId> for $name {
            fn from(id: ResourceId) -> Self {
                Self(id.0)
            }
        }
    )*};
}
resource_ids!(ArticleId, SectionId, StaffId, TagId, UserId, ApiKeyId, WebhookId);

/// Returns whether a text has the shape of a UUID, so that slugs can stay clear of it.
pub fn is_uuid_shaped(text: &str) -> bool {
    parse_hyphenated(text).is_some()
}

fn parse_hyphenated(text: &str) -> Option<Uuid> {
    // `Uuid::try_parse` also takes braces, `urn:uuid:` and the form without hyphens; one spelling is enough.
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}
