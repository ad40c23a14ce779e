//! What merging a tag into another does to the articles that carry it, in both copies.
//!
//! Nothing else about the articles changes: no new revision, and older revisions keep what they said.

use diesel::prelude::*;

use super::{content::Content, facets, live};
use crate::{
    changes::{self, Change, Details},
    db::{
        Tx,
        schema::{article_tags, articles, live_articles, live_tags},
    },
    error::{Error, Result},
    ids::{ArticleId, TagId},
};

/// So many articles are in memory at a time.
const BATCH: usize = 200;

/// Makes all articles that carry one tag carry another instead, once.
///
/// # Errors
/// When the database fails.
pub fn retag(tx: &mut Tx<'_>, from: TagId, into: TagId) -> Result<()> {
    rewrite_contents(tx, from, into)?;
    relink(tx, from, into)?;
    touch_live(tx, from, into)?;
    relabel_live(tx, from, into)?;
    facets::merge_tags(tx, from, into)
}

/// Changes the tags in the newest revisions as the working copies keep them.
fn rewrite_contents(tx: &mut Tx<'_>, from: TagId, into: TagId) -> Result<()> {
    let ids: Vec<ArticleId> =
        article_tags::table.filter(article_tags::tag_id.eq(from)).select(article_tags::article_id).load(tx.conn()?)?;
    for batch in ids.chunks(BATCH) {
        let rows: Vec<(ArticleId, String)> = articles::table
            .filter(articles::id.eq_any(batch.to_vec()))
            .select((articles::id, articles::content))
            .load(tx.conn()?)?;
        for (id, json) in rows {
            let mut content = Content::read(&json)?;
            replace(&mut content.tags, from, into);
            let json = serde_json::to_string(&content).map_err(Error::internal)?;
            diesel::update(articles::table.find(id)).set(articles::content.eq(json)).execute(tx.conn()?)?;
        }
    }
    Ok(())
}

/// Puts one tag in another's place, unless the other is there already.
fn replace(tags: &mut Vec<TagId>, from: TagId, into: TagId) {
    if tags.contains(&into) {
        tags.retain(|tag| *tag != from);
    }
    for tag in tags.iter_mut().filter(|tag| **tag == from) {
        *tag = into;
    }
}

fn relink(tx: &mut Tx<'_>, from: TagId, into: TagId) -> Result<()> {
    let other = diesel::alias!(article_tags as other);
    let both = other.filter(other.field(article_tags::tag_id).eq(into)).select(other.field(article_tags::article_id));
    diesel::delete(
        article_tags::table.filter(article_tags::tag_id.eq(from)).filter(article_tags::article_id.eq_any(both)),
    )
    .execute(tx.conn()?)?;
    diesel::update(article_tags::table.filter(article_tags::tag_id.eq(from)))
        .set(article_tags::tag_id.eq(into))
        .execute(tx.conn()?)?;
    Ok(())
}

/// Notes that the live articles with a tag look different now.
fn touch_live(tx: &mut Tx<'_>, from: TagId, into: TagId) -> Result<()> {
    let carriers = live_tags::table.filter(live_tags::tag_id.eq(from)).select(live_tags::article_id);
    diesel::update(live_articles::table.filter(live_articles::id.eq_any(carriers)))
        .set(live_articles::changed_at.eq(tx.now))
        .execute(tx.conn()?)?;
    let ids: Vec<ArticleId> = carriers.load(tx.conn()?)?;
    // The log tells readers, who do not know yet of what is to come.
    for id in live::visible(tx.conn()?, ids)? {
        let keys = vec![format!("article-{id}"), format!("tag-{from}"), format!("tag-{into}")];
        changes::append(
            tx,
            &Change { kind: "retagged", resource: "article", id: id.into(), keys, details: Details::default() },
        )?;
    }
    Ok(())
}

/// Puts one tag in another's place among the tags of the live articles; the others stay where they stand.
fn relabel_live(tx: &mut Tx<'_>, from: TagId, into: TagId) -> Result<()> {
    let other = diesel::alias!(live_tags as other);
    let both = other.filter(other.field(live_tags::tag_id).eq(into)).select(other.field(live_tags::article_id));
    diesel::delete(live_tags::table.filter(live_tags::tag_id.eq(from)).filter(live_tags::article_id.eq_any(both)))
        .execute(tx.conn()?)?;
    diesel::update(live_tags::table.filter(live_tags::tag_id.eq(from)))
        .set(live_tags::tag_id.eq(into))
        .execute(tx.conn()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_tag_takes_the_place_and_stands_once() {
        let [a, b, c] = [TagId::generate(), TagId::generate(), TagId::generate()];
        for (before, after) in [
            (vec![a, c], vec![b, c]),
            (vec![c, a], vec![c, b]),
            (vec![a, c, b], vec![c, b]),
            (vec![b, a], vec![b]),
            (vec![c], vec![c]),
        ] {
            let mut tags = before;
            replace(&mut tags, a, b);
            assert_eq!(tags, after);
        }
    }
}
