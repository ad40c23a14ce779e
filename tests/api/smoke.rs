//! From a draft to readers.

use serde_json::json;

use crate::support::{both, id};

both! {
    fn a_draft_becomes_what_readers_see(app) {
        let section = app.section("IFP Exclusive");
        let draft = app.draft("Harbor reopens", json!({ "section": section["slug"] }));
        let address = format!("/v1/articles/{}", id(&draft));
        app.anonymous().get(&address).expect(404);

        let published = app.editor().verb(&format!("{address}/publish"), &draft.etag()).expect(200);

        assert_eq!(published.json()["state"], "published");
        let article = app.anonymous().get(&address).expect(200).json();
        assert_eq!(article["title"], "Harbor reopens");
        assert_eq!(article["section"]["slug"], "ifp-exclusive");
        assert_eq!(article["url"], "https://www.newsroom.test/ifp-exclusive/harbor-reopens");
        let list = app.anonymous().get("/v1/articles").expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    }
}
