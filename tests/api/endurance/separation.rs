//! Many newsrooms of which readers see a part.

use crate::{
    separation::check,
    support::{App, Backend, postgres},
};

#[test]
#[ignore = "takes minutes; CONTRIBUTING says how to run it"]
fn what_readers_do_not_see_changes_nothing_in_many_newsrooms() {
    for seed in 1..=12 {
        let backend = if seed % 4 == 0 && postgres::cluster().is_ok() { Backend::Postgres } else { Backend::Sqlite };
        let compared = check(&App::start(backend), seed, 24, 24);
        println!("{backend:?}, seed {seed}: {compared} answers compared");
    }
}
