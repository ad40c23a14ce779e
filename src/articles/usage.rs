//! How many articles use a section, a tag or a staff profile, in their working or their live copy.

use diesel::{dsl::count_star, prelude::*};

use crate::{
    db::{
        Conn,
        schema::{article_staff, article_tags, articles, live_articles, live_authors, live_tags},
    },
    error::{Code, Error, Result},
    ids::{ArticleId, SectionId, StaffId, TagId},
};

/// Counts the articles of a section.
///
/// # Errors
/// When the database fails.
pub fn of_section(conn: &mut Conn, id: SectionId) -> Result<i64> {
    let working: i64 = articles::table
        .filter(articles::section_id.eq(id))
        .filter(articles::trashed_at.is_null())
        .count()
        .get_result(conn)?;
    // An article may have moved in its working copy and still be live here.
    let live: i64 = live_articles::table
        .inner_join(articles::table.on(articles::id.eq(live_articles::id)))
        .filter(live_articles::section_id.eq(id))
        .filter(articles::section_id.is_null().or(articles::section_id.ne(id)))
        .select(count_star())
        .get_result(conn)?;
    Ok(working + live)
}

/// Counts the articles with a tag.
///
/// # Errors
/// When the database fails.
pub fn of_tag(conn: &mut Conn, id: TagId) -> Result<i64> {
    let working: Vec<ArticleId> = article_tags::table
        .inner_join(articles::table)
        .filter(article_tags::tag_id.eq(id))
        .filter(articles::trashed_at.is_null())
        .select(article_tags::article_id)
        .load(conn)?;
    let live: Vec<ArticleId> =
        live_tags::table.filter(live_tags::tag_id.eq(id)).select(live_tags::article_id).distinct().load(conn)?;
    Ok(union(working, live))
}

/// Counts the articles of somebody.
///
/// # Errors
/// When the database fails.
pub fn of_staff(conn: &mut Conn, id: StaffId) -> Result<i64> {
    let working: Vec<ArticleId> = article_staff::table
        .inner_join(articles::table)
        .filter(article_staff::staff_id.eq(id))
        .filter(articles::trashed_at.is_null())
        .select(article_staff::article_id)
        .load(conn)?;
    let live: Vec<ArticleId> = live_authors::table
        .filter(live_authors::staff_id.eq(id))
        .select(live_authors::article_id)
        .distinct()
        .load(conn)?;
    Ok(union(working, live))
}

fn union(first: Vec<ArticleId>, second: Vec<ArticleId>) -> i64 {
    let ids: std::collections::HashSet<ArticleId> = first.into_iter().chain(second).collect();
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

/// Refuses to go on while something is used.
///
/// # Errors
/// `in_use`, saying by how many of what.
pub fn refuse(what: &str, uses: &[(i64, &str)]) -> Result<()> {
    let used: Vec<String> = uses
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, by)| format!("{count} {by}{}", if *count == 1 || by.contains(' ') { "" } else { "s" }))
        .collect();
    if used.is_empty() {
        return Ok(());
    }
    let total: i64 = uses.iter().map(|(count, _)| count).sum();
    Err(Error::new(Code::InUse, format!("The {what} is used by {}.", used.join(" and "))).with("uses", total))
}
