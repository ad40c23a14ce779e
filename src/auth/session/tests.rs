//! Tests of sessions, on SQLite.

use super::*;
use crate::auth::{rights::Role, testing::Scratch};

const LIFETIMES: Lifetimes = Lifetimes { refresh_days: 30, grace_seconds: 10 };

/// Whatever was used is used too late.
const NO_GRACE: Lifetimes = Lifetimes { refresh_days: 30, grace_seconds: -1 };

fn day(n: i64) -> Instant {
    Instant::parse("2026-01-01T00:00:00Z").unwrap().plus_seconds(n * DAY_SECONDS)
}

fn begin(scratch: &Scratch, user: UserId) -> Issued {
    scratch.db.write_blocking(|tx| issue(tx, LIFETIMES, user, Some("a browser"))).unwrap()
}

fn present(scratch: &Scratch, lifetimes: Lifetimes, token: &str) -> Rotation {
    let token = RefreshToken::parse(token).unwrap();
    scratch.db.write_blocking(|tx| rotate(tx, lifetimes, &token)).unwrap()
}

fn next(scratch: &Scratch, token: &str) -> String {
    match present(scratch, LIFETIMES, token) {
        Rotation::Issued(issued) => issued.refresh_token,
        _ => panic!("the token should be in force"),
    }
}

fn is_refused(scratch: &Scratch, token: &str) -> bool {
    matches!(present(scratch, LIFETIMES, token), Rotation::Refused)
}

fn live(scratch: &Scratch, user: UserId) -> Vec<SessionId> {
    let rows = scratch.db.read_blocking(|conn| page(conn, user, Limit::default(), None)).unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

#[test]
fn a_session_lasts_from_refresh_to_refresh_and_no_longer_than_ninety_days() {
    assert_eq!(end(LIFETIMES, day(0), day(0)), day(30));
    assert_eq!(end(LIFETIMES, day(0), day(29)), day(59));
    assert_eq!(end(LIFETIMES, day(0), day(80)), day(90));
    assert_eq!(end(Lifetimes { refresh_days: 365, grace_seconds: 0 }, day(0), day(0)), day(365));
}

#[test]
fn what_a_client_says_of_itself_is_kept_short_and_plain() {
    assert_eq!(described("curl/8\u{7}.5 "), Some("curl/8.5".to_owned()));
    assert_eq!(described(" \u{0} "), None);
    assert_eq!(described(&"x".repeat(5000)).map(|text| text.len()), Some(LONGEST_USER_AGENT));
}

#[test]
fn each_refresh_gives_the_next_token_of_the_same_session() {
    let scratch = Scratch::new();
    let user = scratch.user("mina@example.org", Role::Author);
    let first = begin(&scratch, user);

    let second = next(&scratch, &first.refresh_token);
    let third = next(&scratch, &second);

    assert_ne!(first.refresh_token, second);
    assert_ne!(second, third);
    assert_eq!(live(&scratch, user), [first.session_id]);
}

#[test]
fn a_token_that_comes_back_within_the_grace_gets_a_sibling() {
    let scratch = Scratch::new();
    let user = scratch.user("mina@example.org", Role::Author);
    let first = begin(&scratch, user).refresh_token;

    let (one, other) = (next(&scratch, &first), next(&scratch, &first));

    assert_ne!(one, other);
    next(&scratch, &one);
    next(&scratch, &other);
}

#[test]
fn a_token_that_comes_back_later_ends_the_whole_session_and_no_other() {
    let scratch = Scratch::new();
    let user = scratch.user("mina@example.org", Role::Author);
    let (stolen, other) = (begin(&scratch, user), begin(&scratch, user));
    let newest = next(&scratch, &stolen.refresh_token);

    let rotation = present(&scratch, NO_GRACE, &stolen.refresh_token);

    assert!(matches!(rotation, Rotation::Reused { session_id, .. } if session_id == stolen.session_id));
    assert!(is_refused(&scratch, &newest));
    assert!(is_refused(&scratch, &stolen.refresh_token));
    assert_eq!(live(&scratch, user), [other.session_id]);
    next(&scratch, &other.refresh_token);
}

#[test]
fn a_token_of_nobody_is_refused() {
    let scratch = Scratch::new();

    assert!(is_refused(&scratch, &RefreshToken::generate().unwrap().reveal()));
}

#[test]
fn an_ended_session_cannot_be_refreshed() {
    let scratch = Scratch::new();
    let (user, somebody) =
        (scratch.user("mina@example.org", Role::Author), scratch.user("ole@example.org", Role::Author));
    let [a, b, c] = [0; 3].map(|_| begin(&scratch, user));
    let theirs = begin(&scratch, somebody);
    let write = |which| scratch.db.write_blocking(|tx| end_where(tx, user, which)).unwrap();

    assert_eq!(write(Which::One(theirs.session_id)), 0);
    assert_eq!(write(Which::One(a.session_id)), 1);
    assert!(is_refused(&scratch, &a.refresh_token));
    assert_eq!(write(Which::AllBut(b.session_id)), 1);
    assert!(is_refused(&scratch, &c.refresh_token));
    next(&scratch, &b.refresh_token);
    assert_eq!(write(Which::All), 1);

    assert_eq!(live(&scratch, user), []);
    next(&scratch, &theirs.refresh_token);
}

#[test]
fn an_account_that_may_not_log_in_cannot_refresh() {
    let scratch = Scratch::new();
    let (disabled, trashed) =
        (scratch.user("a@example.org", Role::Author), scratch.user("b@example.org", Role::Author));
    let tokens = [disabled, trashed].map(|user| begin(&scratch, user).refresh_token);

    let set = |tx: &mut Tx<'_>| {
        diesel::update(users::table.find(disabled)).set(users::is_disabled.eq(true)).execute(tx.conn()?)?;
        diesel::update(users::table.find(trashed)).set(users::trashed_at.eq(tx.now)).execute(tx.conn()?)?;
        Ok(())
    };
    scratch.db.write_blocking(set).unwrap();

    assert!(tokens.iter().all(|token| is_refused(&scratch, token)));
}

#[test]
fn sessions_are_listed_page_by_page_in_both_directions_the_latest_first() {
    let scratch = Scratch::new();
    let user = scratch.user("mina@example.org", Role::Author);
    let mut begun: Vec<SessionId> = (0..5).map(|_| begin(&scratch, user).session_id).collect();
    begun.reverse();
    let limit = Limit::parse("2").unwrap();
    let read = |cursor: Option<&Cursor>| {
        let rows = scratch.db.read_blocking(|conn| page(conn, user, limit, cursor)).unwrap();
        crate::http::page::slice(rows, limit, cursor)
    };
    let after = |row: &SessionRow, direction| Cursor { direction, keys: row.sort_keys() };

    let first = read(None);
    let second = read(Some(&after(&first.rows[1], Direction::Forward)));
    let back = read(Some(&after(&second.rows[0], Direction::Backward)));

    let ids = |rows: &[SessionRow]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&first.rows), begun[..2]);
    assert_eq!(ids(&second.rows), begun[2..4]);
    assert_eq!(ids(&back.rows), begun[..2]);
    assert!(second.has_next && !back.has_prev);
}

#[test]
fn pruning_removes_what_ended_long_ago_with_its_tokens() {
    let scratch = Scratch::new();
    let user = scratch.user("mina@example.org", Role::Author);
    let (old, fresh) = (begin(&scratch, user), begin(&scratch, user));

    let age = |tx: &mut Tx<'_>| {
        let long_ago = tx.now.plus_seconds(-KEPT_SECONDS - 1);
        diesel::update(sessions::table.find(old.session_id))
            .set(sessions::expires_at.eq(long_ago))
            .execute(tx.conn()?)?;
        prune(tx)
    };
    scratch.db.write_blocking(age).unwrap();

    let left: Vec<SessionId> = scratch
        .db
        .read_blocking(|conn| Ok(refresh_tokens::table.select(refresh_tokens::session_id).load(conn)?))
        .unwrap();
    assert_eq!(left, [fresh.session_id]);
}
