//! The three logins of the demo newsroom.
//!
//! Their passwords stand in the documentation, so they open nothing but a demo on a loopback address.

use crate::demo::model::{DemoLogin, DemoRole};

/// Returns the demo logins: an admin, an editor and an author.
pub fn logins() -> &'static [DemoLogin] {
    LOGINS
}

const LOGINS: &[DemoLogin] = &[
    DemoLogin {
        email: "admin@example.org",
        display_name: "Demo Admin",
        role: DemoRole::Admin,
        password: "nine lanterns guard the tamarisk",
        staff: None,
    },
    DemoLogin {
        email: "editor@example.org",
        display_name: "Nasrin Golchehrian",
        role: DemoRole::Editor,
        password: "cardamom before the late edition",
        staff: Some("nasrin-golchehrian"),
    },
    DemoLogin {
        email: "author@example.org",
        display_name: "Zoë Ångmark",
        role: DemoRole::Author,
        password: "wet notebook on the night ferry",
        staff: Some("zoe-angmark"),
    },
];
