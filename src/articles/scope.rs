//! Which live articles a policy lets through: the one place that says so, for every list, every single article and
//! everything else that is made from them.

use std::collections::HashSet;

use diesel::prelude::*;

use super::facets::Facet;
use crate::{
    clock::Instant,
    db::{
        Conn, Now,
        direct::{direct, one_of},
        schema::{live_articles, live_facets},
    },
    error::Result,
    ids::ArticleId,
    policy::Policy,
};

/// A policy at a moment, by the database's clock. There is none for a policy that has all articles.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What was published later is not seen yet.
    pub published_by: Instant,
    /// What is under an embargo is seen if it was published by then.
    pub embargoed_by: Option<Instant>,
    /// In one at least of each of these groups of lists an article must stand.
    pub groups: Vec<Vec<Facet>>,
}

/// Adds to a query over `live_facets` that an article is within a scope.
macro_rules! within {
    ($query:expr, $scope:expr) => {{
        let scope: &$crate::articles::scope::Scope = $scope;
        let begun = live_facets::published_at.le(scope.published_by);
        let mut query = match scope.embargoed_by {
            None => $query.filter(begun),
            Some(moment) => {
                let embargoed = diesel::alias!(live_articles as embargoed);
                $query.filter(
                    begun.or(diesel::dsl::exists(
                        embargoed
                            .filter(embargoed.field(live_articles::id).eq(live_facets::article_id))
                            .filter(embargoed.field(live_articles::embargoed_since).le(moment)),
                    )),
                )
            }
        };
        for group in &scope.groups {
            let group: Vec<Vec<u8>> = group.iter().map(|facet| facet.bytes().to_vec()).collect();
            let within = diesel::alias!(live_facets as within);
            query = query.filter(diesel::dsl::exists(
                within
                    .filter(within.field(live_facets::article_id).eq(live_facets::article_id))
                    .filter(within.field(live_facets::facet).eq_any(group)),
            ));
        }
        query
    }};
}
pub(super) use within;

/// The live articles within a scope that carry the tag of the outer query.
macro_rules! carriers {
    ($scope:expr) => {{
        use diesel::sql_types::Bool;
        use $crate::{
            articles::facets::Facet,
            db::{
                Now,
                schema::{live_articles, live_facets, live_tags, tags},
            },
        };
        let scope: &$crate::articles::scope::Scope = $scope;
        let (first, second) = diesel::alias!(live_facets as first_group, live_facets as second_group);
        let group = |index: usize| -> Vec<Vec<u8>> {
            scope.groups.get(index).into_iter().flatten().map(|facet: &Facet| facet.bytes().to_vec()).collect()
        };
        live_tags::table
            .inner_join(live_articles::table)
            .filter(live_tags::tag_id.eq(tags::id))
            .filter(live_articles::visible_until.is_null().or(live_articles::visible_until.gt(Now)))
            .filter(live_articles::published_at.le(scope.published_by).or(
                live_articles::embargoed_since.is_not_null().and(live_articles::embargoed_since.assume_not_null().le(
                    // Long ago, when there is nothing under an embargo for this reader.
                    scope.embargoed_by.unwrap_or(scope.long_ago()),
                )),
            ))
            .filter(
                scope.groups.is_empty().into_sql::<Bool>().or(diesel::dsl::exists(
                    first
                        .filter(first.field(live_facets::article_id).eq(live_articles::id))
                        .filter(first.field(live_facets::facet).eq_any(group(0))),
                )),
            )
            .filter(
                (scope.groups.len() < 2).into_sql::<Bool>().or(diesel::dsl::exists(
                    second
                        .filter(second.field(live_facets::article_id).eq(live_articles::id))
                        .filter(second.field(live_facets::facet).eq_any(group(1))),
                )),
            )
    }};
}
pub(crate) use carriers;

impl Scope {
    /// A moment before everything.
    pub fn long_ago(&self) -> Instant {
        Instant::from_millis(0).unwrap_or(self.published_by)
    }

    /// Returns the scope of a policy now; none, when it is that of everyone.
    ///
    /// # Errors
    /// When the database fails.
    pub fn now(conn: &mut Conn, policy: &Policy) -> Result<Option<Self>> {
        if policy.has_all_articles() {
            return Ok(None);
        }
        let now = crate::db::now(conn)?;
        let sections: Vec<Facet> = policy.sections.iter().map(|id| Facet::section(*id)).collect();
        let tags: Vec<Facet> = policy.tags.iter().map(|id| Facet::tag(*id)).collect();
        Ok(Some(Self {
            published_by: now.plus_seconds(-60 * i64::from(policy.delay_minutes)),
            embargoed_by: policy.sees_embargoed.then_some(now),
            groups: [sections, tags].into_iter().filter(|group| !group.is_empty()).collect(),
        }))
    }

    /// Returns the list that all articles within it stand in, if a single one is allowed.
    pub fn only_list(&self) -> Option<&Facet> {
        self.groups.iter().find_map(|group| match group.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }

    /// Returns those of some articles that are within it, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub fn keep(&self, conn: &mut Conn, ids: Vec<ArticleId>) -> Result<Vec<ArticleId>> {
        if ids.is_empty() {
            return Ok(ids);
        }
        let seen: HashSet<ArticleId> = direct!(conn, |own| {
            let query = live_facets::table
                .filter(live_facets::facet.eq(Facet::all().bytes().to_vec()))
                .filter(live_facets::visible_until.is_null().or(live_facets::visible_until.gt(Now)))
                .filter(one_of(live_facets::article_id, ids.iter().copied()))
                .select(live_facets::article_id)
                .into_boxed();
            within!(query, self).load::<ArticleId>(own)
        })?
        .into_iter()
        .collect();
        Ok(ids.into_iter().filter(|id| seen.contains(id)).collect())
    }
}

/// Returns those of some articles that a policy lets through now, in their order.
///
/// # Errors
/// When the database fails.
pub fn keep(conn: &mut Conn, policy: &Policy, ids: Vec<ArticleId>) -> Result<Vec<ArticleId>> {
    match Scope::now(conn, policy)? {
        Some(scope) => scope.keep(conn, ids),
        None => super::live::visible(conn, ids),
    }
}
