//! Who has an article open to edit it, for a minute unless they say so again: it informs, it does not lock.
//!
//! Knows nothing of what is edited. Start at [`renew`].

pub mod routes;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::{lifecycle, view::UserSummary, working::ArticleRow};
use crate::{
    auth::identity::Caller,
    clock::Instant,
    db::{
        Conn, Now, Tx,
        direct::direct,
        schema::{article_leases, users},
    },
    error::{Code, Error, Result},
    ids::{ArticleId, UserId},
};

/// How long a lease lasts: an editor's tool that renews it every 20 seconds may miss two times.
const LIFETIME_SECONDS: i64 = 60;

/// The most people who can have an article open: more is a fault of somebody's program.
const MOST: i64 = 50;

/// Somebody who has an article open to edit it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Editing {
    /// Who.
    pub user: UserSummary,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Instant,
    /// When they are taken to have left unless they renew.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}

/// Returns who has an article open, the first who came first.
///
/// # Errors
/// When the database fails.
pub fn editing(conn: &mut Conn, id: ArticleId) -> Result<Vec<Editing>> {
    let open = article_leases::table
        .inner_join(users::table.on(users::id.eq(article_leases::user_id)))
        .filter(article_leases::article_id.eq(id))
        .filter(article_leases::expires_at.gt(Now))
        .select((users::id, users::name, article_leases::since, article_leases::expires_at));
    let rows: Vec<(UserId, String, Instant, Instant)> = direct!(conn, |own| open.load(own))?;
    let present = |(id, name, since, expires_at)| Editing { user: UserSummary { id, name }, since, expires_at };
    let mut editing: Vec<Editing> = rows.into_iter().map(present).collect();
    editing.sort_by_key(|editing| (editing.since, editing.user.id));
    Ok(editing)
}

/// Notes that the caller has an article open for another minute.
///
/// # Errors
/// `invalid_transition` in the trash, `conflict` when too many have it open.
pub fn renew(tx: &mut Tx<'_>, caller: &Caller, row: &ArticleRow) -> Result<()> {
    if row.trashed_at.is_some() {
        return Err(lifecycle::refuse("The article is in the trash; restore it first."));
    }
    let expires_at = tx.now.plus_seconds(LIFETIME_SECONDS);
    let renewed = diesel::update(article_leases::table.find((row.id, caller.user_id)))
        .filter(article_leases::expires_at.gt(tx.now))
        .set(article_leases::expires_at.eq(expires_at))
        .execute(tx.conn()?)?;
    if renewed > 0 {
        return Ok(());
    }
    let own = article_leases::table.filter(article_leases::article_id.eq(row.id));
    diesel::delete(own.filter(article_leases::expires_at.le(tx.now))).execute(tx.conn()?)?;
    let open: i64 = own.count().get_result(tx.conn()?)?;
    if open >= MOST {
        return Err(Error::new(Code::Conflict, format!("{MOST} people have the article open already.")));
    }
    diesel::insert_into(article_leases::table)
        .values((
            article_leases::article_id.eq(row.id),
            article_leases::user_id.eq(caller.user_id),
            article_leases::since.eq(tx.now),
            article_leases::expires_at.eq(expires_at),
        ))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Notes that the caller has closed an article.
///
/// # Errors
/// When the database fails.
pub fn end(tx: &mut Tx<'_>, caller: &Caller, id: ArticleId) -> Result<()> {
    diesel::delete(article_leases::table.find((id, caller.user_id))).execute(tx.conn()?)?;
    Ok(())
}

/// Removes leases that are over.
///
/// # Errors
/// When the database fails.
pub fn prune(tx: &mut Tx<'_>) -> Result<()> {
    diesel::delete(article_leases::table.filter(article_leases::expires_at.le(tx.now))).execute(tx.conn()?)?;
    Ok(())
}
