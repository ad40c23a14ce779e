//! Followers that must forget nothing, whatever happens to a server: how far each has come stands in the database, and
//! one server at a time works for it.

use diesel::prelude::*;

use super::follow;
use crate::{
    clock::Instant,
    db::{Db, schema::followers},
    error::Result,
};

/// For how long a server that has begun to work for a follower is left to it, unless it says that it is still at it.
const CLAIM_SECONDS: i64 = 10;

/// A follower, as one server sees it.
#[derive(Clone, Debug)]
pub struct Follower {
    name: &'static str,
    /// What tells this server from the others.
    server: String,
}

impl Follower {
    /// Makes a follower of a name.
    pub fn new(name: &'static str) -> Self {
        Self { name, server: uuid::Uuid::now_v7().to_string() }
    }

    /// Claims the work; returns up to where it has been done, or none while another server is at it.
    ///
    /// A follower that has never been claimed begins with what comes from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self, db: &Db) -> Result<Option<i64>> {
        let (name, server) = (self.name, self.server.clone());
        db.write(move |tx| {
            let until = tx.now.plus_seconds(CLAIM_SECONDS);
            let known: Option<(i64, String, Instant)> = followers::table
                .find(name)
                .select((followers::position, followers::claimed_by, followers::claimed_until))
                .first(tx.conn()?)
                .optional()?;
            let Some((position, claimed_by, claimed_until)) = known else {
                let position = follow::last(tx.conn()?)?;
                diesel::insert_into(followers::table)
                    .values((
                        followers::name.eq(name),
                        followers::position.eq(position),
                        followers::claimed_by.eq(&server),
                        followers::claimed_until.eq(until),
                    ))
                    .execute(tx.conn()?)?;
                return Ok(Some(position));
            };
            if claimed_by != server && claimed_until > tx.now {
                return Ok(None);
            }
            diesel::update(followers::table.find(name))
                .set((followers::claimed_by.eq(&server), followers::claimed_until.eq(until)))
                .execute(tx.conn()?)?;
            Ok(Some(position))
        })
        .await
    }

    /// Notes that the work has been done up to a place, unless another server has taken it over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn advance(&self, db: &Db, position: i64) -> Result<()> {
        let (name, server) = (self.name, self.server.clone());
        db.write(move |tx| {
            let own = followers::table.find(name).filter(followers::claimed_by.eq(&server));
            diesel::update(own).set(followers::position.eq(position)).execute(tx.conn()?)?;
            Ok(())
        })
        .await
    }
}
