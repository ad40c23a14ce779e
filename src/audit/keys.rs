//! Notes the signing keys of access tokens when a server first comes to use them.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use diesel::{dsl::exists, prelude::*};
use serde_json::json;

use super::{Entry, Resource, append};
use crate::{
    auth::keys::KeySummary,
    db::{Db, Tx, schema::audit},
    error::Result,
};

/// The keys that this server knows to be noted.
#[derive(Debug, Default)]
pub struct Noted(Mutex<BTreeSet<String>>);

impl Noted {
    /// Notes the keys that nobody has noted yet, whichever server sees them first.
    ///
    /// # Errors
    /// When the database fails; then they are noted another time.
    pub async fn note(&self, db: &Db, keys: Vec<KeySummary>) -> Result<()> {
        let new: Vec<KeySummary> = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            keys.into_iter().filter(|key| !known.contains(&key.kid)).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let kids: Vec<String> = new.iter().map(|key| key.kid.clone()).collect();
        db.write(move |tx| new.iter().try_for_each(|key| note_one(tx, key))).await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(kids);
        Ok(())
    }
}

fn note_one(tx: &mut Tx<'_>, key: &KeySummary) -> Result<()> {
    let noted =
        || audit::table.filter(audit::resource_id.eq(&key.kid)).filter(audit::resource.eq(Resource::Key.as_str()));
    // The index by what an entry is about has only those that are sealed; the others are few.
    let sealed = exists(noted().filter(audit::position.is_not_null()));
    let unsealed = exists(noted().filter(audit::position.is_null()));
    if diesel::select(sealed.or(unsealed)).get_result::<bool>(tx.conn()?)? {
        return Ok(());
    }
    let details = json!({ "file": key.file, "can_sign": key.is_private });
    append(tx, &Entry { resource: Resource::Key, id: key.kid.clone(), verb: "added", details })
}
