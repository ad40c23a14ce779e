//! A long life of a newsroom, and what the change log says about it.

use crate::{
    changes::walk,
    support::{App, Backend, postgres},
};

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn whatever_a_thousand_writes_change_for_readers_is_named_in_the_log() {
    for seed in 1..=5 {
        let backend = if seed == 1 && postgres::cluster().is_ok() { Backend::Postgres } else { Backend::Sqlite };
        let done = walk(&App::start(backend), seed, 200);
        println!("{backend:?}, seed {seed}: {done:?}");
    }
}
