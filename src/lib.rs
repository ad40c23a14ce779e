//! wip
pub mod articles;
pub mod auth;
pub mod body;
pub mod changes;
pub mod clock;
pub mod db;
pub mod delivery;
pub mod error;
pub mod http;
pub mod ids;
pub mod input;
pub mod readiness;
pub mod reference;
pub mod revisions;
pub mod secrets;
pub mod sections;
pub mod slugs;
pub mod state;
pub mod config { 
    #[derive(Clone)] pub struct Config { pub http: Http, pub site: SiteConfig, pub log: Log }
    #[derive(Clone)] pub struct Http { pub body_limit_bytes: usize, pub cors_origins: Vec<String> }
    #[derive(Clone)] pub struct Log { pub requests: bool }
    #[derive(Clone)] pub struct SiteConfig;
    impl SiteConfig { 
      pub fn section_url(&self, _s:&str,_p:&str,_id:crate::ids::SectionId)->Option<String>{None}
      pub fn article_url(&self, _s:&str,_p:&str,_id:crate::ids::ArticleId,_at:crate::clock::Instant)->Option<String>{None}
    }
}
pub mod staff { pub mod model { crate::db::types::text_enum!{ /// K
 pub enum StaffKind { /// p
 Person="person", /// o
 Organization = "organization",} } } }
pub mod tags { pub mod model { #[derive(Clone,Debug,serde::Serialize,utoipa::ToSchema)] pub struct TagSummary{ #[schema(value_type=String)] pub id: crate::ids::TagId, pub slug:String, pub name:String} } }
