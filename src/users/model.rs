//! What a user account is, as administrators write it and as they read it.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::rights::Role,
    clock::Instant,
    http::page::PageInfo,
    ids::{StaffId, UserId},
    input::{Email, Faults, Line},
    reference::Reference,
    staff::model::StaffSummary,
};

/// What a user account is made of.
// No `Debug`: it may hold a password.
#[derive(Clone, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct UserInput {
    /// The e-mail address to log in with. No two accounts have the same, whatever the case.
    #[schema(value_type = String, format = "email", max_length = 254, example = "mina@example.org")]
    pub email: Email,
    /// The name of the person as colleagues see it, 1 to 100 characters.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Mina Okafor")]
    pub name: Line<100>,
    /// What the account may do.
    pub role: Role,
    /// The staff profile of the person, by id or slug; it stays public when the account is gone.
    #[deserr(default)]
    #[schema(value_type = Option<String>, example = "mina-okafor")]
    pub staff: Option<Reference<StaffId>>,
    /// Whether the account may not log in. Disabling ends all its sessions at once.
    #[deserr(default)]
    #[schema(required = false, default = false)]
    pub disabled: bool,
    /// The first password, 15 to 256 characters; without one the account needs a password reset before its first login.
    #[deserr(default)]
    #[schema(format = "password", write_only, min_length = 15, max_length = 256, example = "six tall ladders lean")]
    pub password: Option<String>,
}

/// A user account as it is kept at each revision, in the form in which clients write it; never with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDoc {
    /// The e-mail address.
    pub email: Email,
    /// The name.
    pub name: Line<100>,
    /// What the account may do.
    pub role: Role,
    /// The staff profile.
    pub staff: Option<StaffId>,
    /// Whether the account may not log in.
    pub disabled: bool,
}

/// A user account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    /// The id, for ever the same.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7e")]
    pub id: UserId,
    /// The e-mail address to log in with.
    #[schema(format = "email", example = "mina@example.org")]
    pub email: String,
    /// The name of the person as colleagues see it.
    #[schema(example = "Mina Okafor")]
    pub name: String,
    /// What the account may do.
    pub role: Role,
    /// The staff profile of the person; null when there is none.
    #[schema(required = true)]
    pub staff: Option<StaffSummary>,
    /// Whether the account may not log in.
    pub disabled: bool,
    /// When the account was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When the account last changed; a new password is no such change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Instant,
    /// The number of the newest revision.
    #[schema(minimum = 1, example = 3)]
    pub revision: i32,
    /// When the account was moved to the trash; only of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, format = DateTime)]
    pub trashed_at: Option<Instant>,
}

/// A page of user accounts, in the order in which they were created.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    /// The accounts.
    pub data: Vec<User>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// A password reset that was started.
// No `Debug`: it holds the token.
#[derive(Serialize, ToSchema)]
pub struct PasswordReset {
    /// The token to pass on to the person, for `POST /v1/auth/password-reset`. It is shown only here.
    #[schema(example = "fpp_Q2xhcmEgYW5kIHRoZSBzaXggdGFsbCBsYWRkZXJzLi4")]
    pub token: String,
    /// Until when it can be used.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}
