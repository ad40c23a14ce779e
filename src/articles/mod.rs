//! Articles, in two copies: the working copy, a list of revisions, and the live copy, which readers see.
//!
//! Only [`publishing`] writes the live copy. What serves readers ([`live`], [`list`], [`routes`] without `view=working`)
//! cannot reach the working tables: they are private to [`working`], so a draft cannot leak through a filter, a count, a
//! relation or an ETag. Start at [`input`] and [`view`] for the shapes, [`lifecycle`] for the rules.

pub mod addresses;
pub mod as_of;
pub mod content;
pub mod desk;
pub mod facets;
pub mod fields;
pub mod gist;
pub mod guids;
pub mod history;
pub mod input;
pub mod json_ld;
pub mod leases;
pub mod lifecycle;
pub mod linking;
pub mod list;
pub mod live;
pub mod markup;
pub mod notices;
pub mod params;
pub mod preflight;
pub mod previews;
pub mod publishing;
pub mod resolve;
pub mod retag;
pub mod routes;
pub mod schedule;
pub mod scope;
pub mod usage;
pub mod verbs;
pub mod view;
pub mod words;
pub mod working;
