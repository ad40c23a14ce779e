//! Entries are sealed a moment after they were committed, each once, whichever server comes first.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{append, count, open, seal};
use crate::support::{App, Backend, both, postgres};

/// Waits until something holds.
fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not come to hold");
        std::thread::yield_now();
    }
}

/// Writes on all servers at once and waits until all of it is sealed.
fn write_everywhere(servers: &[App]) {
    std::thread::scope(|scope| {
        for (number, app) in servers.iter().enumerate() {
            for person in ["admin", "editor", "author"] {
                let client = app.somebody(person);
                scope.spawn(move || {
                    for round in 0..15 {
                        let title = format!("{person} {number} {round}");
                        client.post("/v1/articles", json!({ "title": title })).expect(201);
                    }
                });
            }
        }
    });
    let database = &servers[0].database;
    until(|| count(database, "position IS NULL") == 0);
    assert_eq!(count(database, "action = 'article.created'"), servers.len() * 45);
    let said = database.run(&["audit", "verify"], "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let all = count(database, "1 = 1");
    assert!(said.out.contains(&format!("{all} sealed entries")), "{said:?}");
    assert!(said.out.contains(&format!("head {all}:")), "{said:?}");
}

#[test]
fn what_many_write_on_one_server_is_all_chained() {
    write_everywhere(&[App::start_with(Backend::Sqlite, &[("FRONTPAGE_SCHEDULE_SECONDS", "1")])]);
}

#[test]
fn what_many_write_on_two_servers_is_all_chained() {
    if postgres::cluster().is_err() {
        return;
    }
    let first = App::start_with(Backend::Postgres, &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]);
    let second = App::start_on(first.database.clone(), &[("FRONTPAGE_SCHEDULE_SECONDS", "1")]);
    write_everywhere(&[first, second]);
}

both! {
    fn more_entries_than_a_batch_are_sealed_in_the_order_in_which_they_were_made(app) {
        let db = open(&app.database);
        append(&db, 1_203);

        seal(&db);

        let all = count(&app.database, "1 = 1");
        assert_eq!(count(&app.database, &format!("position BETWEEN 1 AND {all} AND chain IS NOT NULL")), all);
        let out_of_order = "EXISTS (SELECT 1 FROM audit later WHERE later.position = audit.position + 1 \
                            AND (later.at < audit.at OR later.at = audit.at AND later.id < audit.id))";
        assert_eq!(count(&app.database, out_of_order), 0);
        let report = frontpage::audit::verify(&db, 1, None).unwrap();
        assert_eq!((report.n_sealed, report.n_unsealed, report.fault), (all as u64, 0, None));
    }

    fn what_is_not_sealed_yet_is_verified_and_counted(app) {
        let db = open(&app.database);
        append(&db, 3);
        seal(&db);
        append(&db, 2);

        let report = frontpage::audit::verify(&db, 1, None).unwrap();

        assert_eq!((report.n_unsealed, report.fault), (2, None));
        assert_eq!(report.head.position as u64, report.n_sealed);
    }
}
