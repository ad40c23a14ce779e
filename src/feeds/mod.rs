//! What readers see, in the formats that aggregators, search engines and partners know.
//!
//! One model, [`item`], is made from the live articles of any list. Each format writes it: [`rss`], [`atom`] and
//! [`json_feed`] with what [`profile`] chooses and [`feed`] says of the whole, [`ninjs`] for partners ([`partner`] reads
//! it). [`archive`] is the past of a feed by month. [`sitemap`] tells search engines where everything is. [`xml`] writes
//! what is XML. [`params`] and [`routes`] are the way in; [`hub`] tells others what has changed.
//!
//! It reads articles through [`crate::articles::list`] and [`crate::articles::live`] only, so whatever is decided there
//! about who may see what holds here; sitemaps need little of many, which [`crate::articles::addresses`] has. Answers are
//! finished bytes like any other ([`crate::delivery`]), under the surrogate keys of the lists and articles that they show.

pub mod archive;
pub mod atom;
pub mod feed;
pub mod hub;
pub mod item;
pub mod json_feed;
pub mod ninjs;
pub mod params;
pub mod partner;
pub mod profile;
pub mod routes;
pub mod rss;
pub mod sitemap;
#[cfg(test)]
mod tests;
pub mod xml;
