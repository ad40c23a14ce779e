//! Ten thousand writes, and partners who are killed all the while.

use crate::{
    newswire::mirror,
    support::{App, Backend, postgres},
};

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn ten_thousand_writes_later_the_mirrors_have_what_readers_see() {
    for (backend, seed) in [(Backend::Sqlite, 1), (Backend::Postgres, 2)] {
        if backend == Backend::Postgres && postgres::cluster().is_err() {
            continue;
        }
        mirror::live(&App::start(backend), seed, 10_000);
    }
}
