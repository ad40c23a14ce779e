//! The endpoints of user accounts, for administrators.

use actix_web::HttpResponse;
use deserr::Deserr;
use serde_json::json;
use utoipa::IntoParams;

use super::{
    model::{PasswordReset, User, UserInput, UserPage},
    store,
};
use crate::{
    auth::{
        identity::Caller,
        passwords::Owner,
        rights::{Operation, Role},
        secret::ResetToken,
    },
    db::Conn,
    error::{Error, Result},
    http::{
        call::Call,
        idempotency,
        page::{self, Cursor, Limit},
        problem::Refusal,
        query::Flag,
        reply::Reply,
        routing::endpoints,
        view::NoInput,
    },
    ids::UserId,
    input::Faults,
    resources::Shown,
    secrets::sha256_hex,
    state::State,
};

endpoints! {
    "/v1/users" { get list_users, post create_user }
    "/v1/users/{user}" { get get_user, patch update_user, delete delete_user }
    "/v1/users/{user}/restore" { post restore_user }
    "/v1/users/{user}/password-reset" { post start_password_reset }
}

/// Which accounts to list.
#[derive(Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UserListParams {
    /// Only accounts of this role.
    #[deserr(default)]
    #[param(value_type = Role, required = false)]
    role: Option<Role>,
    /// `true` lists what is in the trash.
    #[deserr(default)]
    #[param(value_type = bool, required = false)]
    trashed: Option<Flag>,
    /// How many to list, 1 to 100.
    #[deserr(default)]
    #[param(value_type = u8, minimum = 1, maximum = 100, default = 20, required = false)]
    limit: Limit,
    /// `page.next` or `page.prev` of another page of the same list.
    #[deserr(default)]
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
}

impl UserListParams {
    fn read(&self, conn: &mut Conn, state: &State) -> Result<UserPage> {
        let shown = if self.trashed == Some(Flag(true)) { Shown::Trash } else { Shown::Working };
        let binding = format!("users|{shown:?}|{}", self.role.map(Role::as_str).unwrap_or_default());
        let cursor = self.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
        let rows = store::page(conn, shown, self.role, self.limit, cursor.as_ref())?;
        let slice = page::slice(rows, self.limit, cursor.as_ref());
        let info = slice.info(self.limit, &state.key, &binding, |row| vec![row.id.to_string()]);
        Ok(UserPage { data: store::views(conn, slice.rows, shown)?, page: info })
    }
}

/// List user accounts
///
/// In the order in which they were created.
#[utoipa::path(get, path = "/v1/users", operation_id = "listUsers", tag = "users", params(UserListParams),
    responses((status = 200, description = "A page of user accounts.", body = UserPage)))]
async fn list_users(call: Call) -> Result<HttpResponse, Refusal> {
    call.caller(Operation::ListUsers).await?;
    let params: UserListParams = call.query()?;
    let (state, address) = (call.state.clone(), call.address());
    Ok(call
        .read_working(move |conn| {
            let page = params.read(conn, &state)?;
            Ok(Reply::json(200, &page)?.links(page::links(&address, &page.page)))
        })
        .await?)
}

/// Create a user account
///
/// Without a `password` the account needs a password reset before its first login. The password is not among what an
/// `Idempotency-Key` compares.
#[utoipa::path(post, path = "/v1/users", operation_id = "createUser", tag = "users", request_body = UserInput,
    responses((status = 201, description = "The new user account.", body = User)))]
async fn create_user(mut call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CreateUser).await?;
    call.no_query()?;
    let input: UserInput = call.body().await?;
    let once = idempotency::Request::of(call.request(), caller.user_id, &digest(&input))?;
    let hash = match &input.password {
        None => None,
        Some(password) => Some(new_hash(&call.state, &input, password.clone()).await?),
    };
    let work = move |tx: &mut crate::db::Tx<'_>| {
        let row = store::create(tx, Some(&caller), &input, hash.as_deref())?;
        let location = format!("/v1/users/{}", row.id);
        Ok(reply(tx.conn()?, row, 201)?.header("location", location))
    };
    let reply = match once {
        None => call.state.db.write(work).await,
        Some(once) => idempotency::run(&call.state, once, work).await,
    };
    Ok(reply?.into_response())
}

/// Read a user account
#[utoipa::path(get, path = "/v1/users/{user}", operation_id = "getUser", tag = "users",
    params(("user" = String, Path, description = "The account's id.", format = "uuid")),
    responses((status = 200, description = "The user account.", body = User)))]
async fn get_user(call: Call) -> Result<HttpResponse, Refusal> {
    call.caller(Operation::ReadUser).await?;
    call.no_query()?;
    let id: UserId = call.id("user")?;
    Ok(call
        .read_working(move |conn| {
            let row = store::find(conn, id)?;
            reply(conn, row, 200)
        })
        .await?)
}

/// Change a user account
///
/// A merge patch: members that are absent stay as they are, `null` removes. A change of `role` or `disabled` is in force
/// at once, also for access tokens that are in use. A password cannot be set here: start a password reset. The last
/// administrator can be neither demoted nor disabled.
#[utoipa::path(patch, path = "/v1/users/{user}", operation_id = "updateUser", tag = "users",
    params(("user" = String, Path, description = "The account's id.", format = "uuid")), request_body = UserInput,
    responses((status = 200, description = "The user account as it is now.", body = User)))]
async fn update_user(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::UpdateUser).await?;
    let basis = call.basis()?;
    let patch = call.patch().await?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let row = store::update(tx, Some(&by), id, &basis, &patch)?;
            reply(tx.conn()?, row, 200)
        })
        .await?)
}

/// Move a user account to the trash
///
/// It cannot log in any more and its sessions end. What it wrote stays, and its e-mail address stays taken. The last
/// administrator cannot be trashed.
#[utoipa::path(delete, path = "/v1/users/{user}", operation_id = "deleteUser", tag = "users",
    params(("user" = String, Path, description = "The account's id.", format = "uuid")),
    responses((status = 204, description = "The account is in the trash. The ETag is that of the trashed account, for restoring it.")))]
async fn delete_user(call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::TrashUser).await?;
    let (basis, by) = (call.basis()?, caller.clone());
    Ok(call
        .write(&caller, move |tx| {
            let row = store::trash(tx, Some(&by), id, &basis)?;
            Ok(Reply::no_content().revision(row.revision))
        })
        .await?)
}

/// Bring a user account back from the trash
///
/// It can log in again with the password that it had.
#[utoipa::path(post, path = "/v1/users/{user}/restore", operation_id = "restoreUser", tag = "users",
    params(("user" = String, Path, description = "The account's id.", format = "uuid")), request_body = NoInput,
    responses((status = 200, description = "The user account as it is now.", body = User)))]
async fn restore_user(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::RestoreUser).await?;
    let basis = call.basis()?;
    call.no_input().await?;
    let by = caller.clone();
    Ok(call
        .write(&caller, move |tx| {
            let row = store::restore(tx, Some(&by), id, &basis)?;
            reply(tx.conn()?, row, 200)
        })
        .await?)
}

/// Start a password reset
///
/// Gives a token to pass on to the person, who sets a new password with it at `POST /v1/auth/password-reset`. It is in
/// force for 60 minutes, is used once, and is shown only here; a second one voids the first, and so does a change of the
/// e-mail address. The present password stays in force until then. An `Idempotency-Key` has no effect, since the answer
/// is not kept.
#[utoipa::path(post, path = "/v1/users/{user}/password-reset", operation_id = "startPasswordReset", tag = "users",
    params(("user" = String, Path, description = "The account's id.", format = "uuid")), request_body = NoInput,
    responses((status = 200, description = "The token of the reset.", body = PasswordReset)),
    extensions(("x-has-revisions" = json!(false))))]
async fn start_password_reset(mut call: Call) -> Result<HttpResponse, Refusal> {
    let (caller, id) = authorized(&call, Operation::StartPasswordReset).await?;
    idempotency::Request::of(call.request(), caller.user_id, "")?;
    call.no_input().await?;
    let token = ResetToken::generate().map_err(Error::internal)?;
    let shown = token.reveal();
    let expires_at = call.state.db.write(move |tx| store::start_reset(tx, id, &token)).await?;
    tracing::info!(user.id = %id, by.id = %caller.user_id, "A password reset was started");
    Ok(Reply::json(200, &PasswordReset { token: shown, expires_at })?.into_response())
}

/// Returns the caller, who has the right, and the account that the path names.
async fn authorized(call: &Call, operation: Operation) -> Result<(Caller, UserId)> {
    let caller = call.caller(operation).await?;
    call.no_query()?;
    Ok((caller, call.id("user")?))
}

/// The view of an account.
fn reply(conn: &mut Conn, row: store::UserRow, status: u16) -> Result<Reply> {
    let revision = row.revision;
    Ok(Reply::json(status, &store::view_of(conn, row, Shown::Working)?)?.revision(revision))
}

/// What an idempotency key compares: all but the password, since a fast digest of a password is a gift to a thief.
fn digest(input: &UserInput) -> String {
    let compared = json!({
        "email": input.email.as_str(),
        "name": input.name.as_str(),
        "role": input.role,
        "staff": input.staff.as_ref().map(ToString::to_string),
        "disabled": input.disabled,
        "has_password": input.password.is_some(),
    });
    sha256_hex(compared.to_string().as_bytes())
}

async fn new_hash(state: &State, input: &UserInput, password: String) -> Result<String> {
    let owner = Owner { email: input.email.as_str().to_owned(), name: input.name.as_str().to_owned() };
    let password = state.auth.check_new_password("/password", password, owner).await?;
    state.auth.hash_password(password).await
}
