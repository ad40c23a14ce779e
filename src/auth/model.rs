//! What clients send and get when they log in. Nothing with a secret in it has `Debug`.

use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::session::SessionRow;
use crate::{
    clock::Instant,
    http::page::PageInfo,
    ids::SessionId,
    input::{Email, Faults},
};

/// An e-mail address and its password.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct LoginInput {
    /// The e-mail address of the account, in any case.
    #[schema(value_type = String, format = "email", max_length = 254, example = "mina@example.org")]
    pub email: Email,
    /// The password: all of it counts, spaces and case included.
    #[schema(format = "password", max_length = 256, example = "six tall ladders lean")]
    pub password: String,
}

/// A refresh token to exchange.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct RefreshInput {
    /// The `refresh_token` of the latest answer.
    #[schema(max_length = 47, example = "fpr_Q2xhcmEgYW5kIHRoZSBzaXggdGFsbCBsYWRkZXJzLi4")]
    pub refresh_token: String,
}

/// The present password and the one to come.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct PasswordChangeInput {
    /// The present password.
    #[schema(format = "password", max_length = 256, example = "six tall ladders lean")]
    pub current_password: String,
    /// The new password: 15 to 256 characters of any kind. It must not be easy to guess.
    #[schema(format = "password", min_length = 15, max_length = 256, example = "green kettle on the roof")]
    pub new_password: String,
}

/// A token that an administrator passed on, and the password to set with it.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct PasswordResetInput {
    /// The token, as an administrator got it from `POST /v1/users/{user}/password-reset`.
    #[schema(max_length = 47, example = "fpp_Q2xhcmEgYW5kIHRoZSBzaXggdGFsbCBsYWRkZXJzLi4")]
    pub token: String,
    /// The new password: 15 to 256 characters of any kind. It must not be easy to guess.
    #[schema(format = "password", min_length = 15, max_length = 256, example = "green kettle on the roof")]
    pub new_password: String,
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The token to send as `Authorization: Bearer …`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl")]
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: TokenType,
    /// For how many seconds the access token is in force.
    #[schema(minimum = 1, example = 900)]
    pub expires_in: i64,
    /// The token to get the next tokens with, once.
    #[schema(example = "fpr_Q2xhcmEgYW5kIHRoZSBzaXggdGFsbCBsYWRkZXJzLi4")]
    pub refresh_token: String,
}

/// How an access token is sent.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub enum TokenType {
    /// In the `Authorization` header, after the word `Bearer`.
    Bearer,
}

/// A login on one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// The id.
    #[schema(value_type = String, format = "uuid", example = "0193f0a2-6d7e-7c11-9d6b-0f6a3c1e5b7d")]
    pub id: SessionId,
    /// What the client said it was, in its `User-Agent` header at the login; up to 200 characters.
    #[schema(required = true, example = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")]
    pub user_agent: Option<String>,
    /// Whether it is the session of the token that asks.
    pub current: bool,
    /// When the login was.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When its tokens were last refreshed.
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: Instant,
    /// When it ends, unless it is refreshed before.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}

impl Session {
    /// Returns the view of a row for the session that asks.
    pub fn of(row: SessionRow, asking: SessionId) -> Self {
        let SessionRow { id, user_agent, created_at, last_used_at, expires_at } = row;
        Self { id, user_agent, current: id == asking, created_at, last_used_at, expires_at }
    }
}

/// A page of sessions, the latest login first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionPage {
    /// The sessions.
    pub data: Vec<Session>,
    /// Where the page stands.
    pub page: PageInfo,
}

/// The public keys that verify access tokens (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct KeySet {
    /// The keys, the latest first.
    #[schema(value_type = Vec<PublicKey>)]
    pub keys: Value,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicKey {
    /// The type of key: always `OKP`.
    #[schema(example = "OKP")]
    pub kty: String,
    /// The curve: always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: String,
    /// The key itself, in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
    /// The id by which a token's header names the key.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    pub kid: String,
    /// The algorithm: always `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: String,
    /// The use: always `sig`.
    #[schema(example = "sig")]
    pub r#use: String,
}
