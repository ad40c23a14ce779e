//! Tests of user accounts, on SQLite.

use serde_json::json;

use super::*;
use crate::{
    auth::{session::Lifetimes, testing::Scratch},
    db::schema::{password_resets, resource_revisions, sessions},
};

const LIFETIMES: Lifetimes = Lifetimes { refresh_days: 30, grace_seconds: 10 };

fn patch(scratch: &Scratch, id: UserId, patch: &Value) -> Result<UserRow> {
    scratch.db.write_blocking(|tx| update(tx, None, id, &Basis::Any, patch))
}

fn code_of(result: Result<UserRow>) -> Code {
    result.err().unwrap().code()
}

fn begin_session(scratch: &Scratch, id: UserId) {
    scratch.db.write_blocking(|tx| session::issue(tx, LIFETIMES, id, None)).map(drop).unwrap();
}

fn begin_reset(scratch: &Scratch, id: UserId) {
    let token = ResetToken::generate().unwrap();
    scratch.db.write_blocking(|tx| start_reset(tx, id, &token)).map(drop).unwrap();
}

/// The account's live sessions and started resets.
fn doors(scratch: &Scratch, id: UserId) -> (i64, i64) {
    let read = |conn: &mut Conn| {
        let live = sessions::table.filter(sessions::user_id.eq(id)).filter(sessions::revoked_at.is_null());
        let resets = password_resets::table.filter(password_resets::user_id.eq(id));
        Ok((live.count().get_result(conn)?, resets.count().get_result(conn)?))
    };
    scratch.db.read_blocking(read).unwrap()
}

#[test]
fn an_address_has_one_account_in_whatever_case_and_also_from_the_trash() {
    let scratch = Scratch::new();
    let admin = scratch.user("admin@example.org", Role::Admin);
    let mina = scratch.user("Mina@Example.org", Role::Author);

    assert_eq!(code_of(patch(&scratch, admin, &json!({ "email": "mina@EXAMPLE.org" }))), Code::EmailTaken);
    scratch.db.write_blocking(|tx| trash(tx, None, mina, &Basis::Any)).unwrap();
    assert_eq!(code_of(patch(&scratch, admin, &json!({ "email": "ＭＩＮＡ@example.org" }))), Code::EmailTaken);
    // One's own address in another case is no conflict.
    assert_eq!(patch(&scratch, admin, &json!({ "email": "Admin@example.org" })).unwrap().revision, 2);
}

#[test]
fn the_last_admin_who_can_log_in_stays() {
    let scratch = Scratch::new();
    let admin = scratch.user("admin@example.org", Role::Admin);
    let other = scratch.user("other@example.org", Role::Admin);
    patch(&scratch, other, &json!({ "disabled": true })).unwrap();
    let without_password =
        patch(&scratch, scratch.user("new@example.org", Role::Editor), &json!({ "role": "admin" })).unwrap();
    let forget = |tx: &mut Tx<'_>| {
        let none: Option<String> = None;
        Ok(diesel::update(users::table.find(without_password.id))
            .set(users::password_hash.eq(none))
            .execute(tx.conn()?)?)
    };
    scratch.db.write_blocking(forget).unwrap();

    assert_eq!(code_of(patch(&scratch, admin, &json!({ "role": "editor" }))), Code::LastAdmin);
    assert_eq!(code_of(patch(&scratch, admin, &json!({ "disabled": true }))), Code::LastAdmin);
    assert_eq!(code_of(scratch.db.write_blocking(|tx| trash(tx, None, admin, &Basis::Any))), Code::LastAdmin);

    patch(&scratch, other, &json!({ "disabled": false })).unwrap();
    assert!(patch(&scratch, admin, &json!({ "role": "editor" })).is_ok());
}

#[test]
fn disabling_and_trashing_end_sessions_and_resets_and_a_new_address_ends_resets() {
    let scratch = Scratch::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| scratch.user(&format!("{name}@example.org"), Role::Author));
    for id in [a, b, c] {
        begin_session(&scratch, id);
        begin_reset(&scratch, id);
    }

    patch(&scratch, a, &json!({ "disabled": true })).unwrap();
    scratch.db.write_blocking(|tx| trash(tx, None, b, &Basis::Any)).unwrap();
    patch(&scratch, c, &json!({ "email": "new@example.org" })).unwrap();

    assert_eq!([a, b, c].map(|id| doors(&scratch, id)), [(0, 0), (0, 0), (1, 0)]);
}

#[test]
fn a_password_in_a_patch_is_refused_and_shown_nowhere() {
    let scratch = Scratch::new();
    let id = scratch.user("mina@example.org", Role::Author);
    let sent = json!({ "password": "six tall ladders lean", "name": "Mina" });

    let error = scratch.db.write_blocking(|tx| update(tx, None, id, &Basis::Revisions(vec![9]), &sent)).err().unwrap();

    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(error.input_faults()[0].pointer, "/password");
    assert!(error.detail().contains("/password-reset"));
    assert!(!format!("{error:?} {:?}", error.members()).contains("ladders"));
}

#[test]
fn every_change_keeps_a_revision_without_the_password_and_none_keeps_none() {
    let scratch = Scratch::new();
    let id = scratch.user("mina@example.org", Role::Author);
    patch(&scratch, id, &json!({ "role": "editor" })).unwrap();
    assert_eq!(patch(&scratch, id, &json!({ "role": "editor" })).unwrap().revision, 2);
    scratch.db.write_blocking(|tx| set_password(tx, id, "another hash")).unwrap();
    scratch.db.write_blocking(|tx| trash(tx, None, id, &Basis::Revisions(vec![2]))).unwrap();
    scratch.db.write_blocking(|tx| restore(tx, None, id, &Basis::Revisions(vec![3]))).unwrap();

    let kept: Vec<(i32, String, String)> = scratch
        .db
        .read_blocking(|conn| {
            let columns = (resource_revisions::number, resource_revisions::kind, resource_revisions::content);
            Ok(resource_revisions::table.order(resource_revisions::number).select(columns).load(conn)?)
        })
        .unwrap();

    let kinds: Vec<_> = kept.iter().map(|(number, kind, _)| (*number, kind.as_str())).collect();
    assert_eq!(kinds, [(1, "created"), (2, "updated"), (3, "trashed"), (4, "restored")]);
    assert!(kept.iter().all(|(_, _, content)| !content.contains("hash") && !content.contains("password")));
}

#[test]
fn a_stale_write_is_refused_with_what_changed() {
    let scratch = Scratch::new();
    let id = scratch.user("mina@example.org", Role::Author);
    patch(&scratch, id, &json!({ "name": "Mina Okafor" })).unwrap();

    let stale =
        scratch.db.write_blocking(|tx| update(tx, None, id, &Basis::Revisions(vec![1]), &json!({ "role": "admin" })));

    let error = stale.err().unwrap();
    assert_eq!(error.code(), Code::PreconditionFailed);
    let members = error.members().iter().find(|(name, _)| *name == "members").map(|(_, value)| value.clone()).unwrap();
    assert_eq!(members["role"], json!({ "base": "author", "yours": "admin", "theirs": "author" }));
    assert_eq!(members["name"], json!({ "base": "Somebody", "yours": "Somebody", "theirs": "Mina Okafor" }));
}

#[test]
fn a_second_reset_voids_the_first_and_one_is_used_once() {
    let scratch = Scratch::new();
    let id = scratch.user("mina@example.org", Role::Author);
    let tokens = [0; 2].map(|_| ResetToken::generate().unwrap());
    for token in &tokens {
        scratch.db.write_blocking(|tx| start_reset(tx, id, token)).unwrap();
    }
    let redeem = |token: &ResetToken| scratch.db.write_blocking(|tx| reset::redeem(tx, &token.digest())).is_ok();

    assert!(!redeem(&tokens[0]));
    assert!(redeem(&tokens[1]));
    assert!(!redeem(&tokens[1]));
}

#[test]
fn a_reset_ends_after_an_hour_and_with_the_account() {
    let scratch = Scratch::new();
    let [late, disabled] = ["a", "b"].map(|name| scratch.user(&format!("{name}@example.org"), Role::Author));
    let tokens = [late, disabled].map(|id| {
        let token = ResetToken::generate().unwrap();
        scratch.db.write_blocking(|tx| start_reset(tx, id, &token)).unwrap();
        token.digest()
    });
    let set = |tx: &mut Tx<'_>| {
        let resets = password_resets::table.find(late);
        let ends_at: Instant = resets.select(password_resets::expires_at).first(tx.conn()?)?;
        assert!((-2..=0).contains(&(ends_at.seconds() - tx.now.seconds() - reset::LIFETIME_SECONDS)));
        diesel::update(resets).set(password_resets::expires_at.eq(tx.now.plus_seconds(-1))).execute(tx.conn()?)?;
        diesel::update(users::table.find(disabled)).set(users::is_disabled.eq(true)).execute(tx.conn()?)?;
        Ok(())
    };
    scratch.db.write_blocking(set).unwrap();

    for digest in &tokens {
        assert!(scratch.db.read_blocking(|conn| reset::find_target(conn, digest)).unwrap().is_none());
    }
    let token = ResetToken::generate().unwrap();
    let refused = scratch.db.write_blocking(|tx| start_reset(tx, disabled, &token));
    assert_eq!(refused.err().unwrap().code(), Code::InvalidTransition);
}
