//! What stands in other tables than the article itself: its authors, its tags, what is related to it.

use diesel::{connection::DefaultLoadingMode, dsl::case_when, prelude::*, sql_types::Bool};

use super::is_visible;
use crate::{
    articles::{
        input::AuthorRole,
        linking::SectionSeen,
        scope::Scope,
        view::{AuthorSummary, Bodies},
    },
    clock::Instant,
    db::{
        Conn,
        direct::{direct, one_of},
        schema::{live_articles, live_authors, live_related, live_tags, staff, tags},
    },
    error::Result,
    ids::{ArticleId, SectionId, StaffId, TagId},
    staff::model::StaffKind,
    tags::model::TagSummary,
};

/// Does something with each row of what belongs to one article or to several.
macro_rules! each_of_articles {
    ($conn:expr, $column:expr, $ids:expr, $query:expr, |$row:ident: $type:ty| $work:expr) => {
        match $ids {
            [id] => each_of_articles!($conn, $query.filter($column.eq(*id)), |$row: $type| $work),
            ids => each_of_articles!($conn, $query.filter(one_of($column, ids.iter().copied())), |$row: $type| $work),
        }
    };
    ($conn:expr, $query:expr, |$row:ident: $type:ty| $work:expr) => {
        direct!($conn, |own| {
            for row in $query.load_iter::<$type, DefaultLoadingMode>(own)? {
                let $row = row?;
                $work;
            }
        })
    };
}
pub(super) use each_of_articles;

/// Whether authors come with what stands in the box beside a single article.
#[derive(Clone, Copy)]
pub(super) struct WithBios(pub bool);

/// What belongs to one article.
#[derive(Default)]
pub(super) struct OfArticle {
    pub authors: Vec<AuthorSummary>,
    pub tags: Vec<TagSummary>,
    pub related: Vec<ArticleId>,
    pub bodies: Bodies,
    /// The sections in the addresses to which its body leads.
    pub linked_sections: Vec<SectionId>,
    /// When any of its authors or tags, or of these sections, last changed.
    pub changed_at: Option<Instant>,
}

/// What belongs to some articles.
pub(super) struct Attached {
    /// Each article, and its place in the list of all; in the order of their ids.
    places: Vec<(ArticleId, usize)>,
    all: Vec<OfArticle>,
}

impl Attached {
    pub fn load(conn: &mut Conn, ids: &[ArticleId], with_bios: WithBios, scope: Option<&Scope>) -> Result<Self> {
        let mut places: Vec<_> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        places.sort_unstable();
        let mut attached = Self { places, all: ids.iter().map(|_| OfArticle::default()).collect() };
        attached.load_authors(conn, ids, with_bios)?;
        attached.load_tags(conn, ids)?;
        attached.load_related(conn, ids, scope)?;
        Ok(attached)
    }

    pub fn add_body(&mut self, id: ArticleId, bodies: Bodies) {
        if let Some(one) = self.one(id) {
            one.bodies = bodies;
        }
    }

    pub fn add_linked(&mut self, id: ArticleId, sections: &[SectionSeen]) {
        if let Some(one) = self.one(id) {
            one.linked_sections = sections.iter().map(|section| section.id).collect();
            one.changed_at = sections.iter().map(|section| section.changed_at).chain(one.changed_at).max();
        }
    }

    /// Returns what belongs to an article, and the article's place in the list of all.
    pub fn take(&mut self, id: ArticleId) -> Option<(usize, OfArticle)> {
        let place = self.place(id)?;
        self.all.get_mut(place).map(|one| (place, std::mem::take(one)))
    }

    fn place(&self, id: ArticleId) -> Option<usize> {
        let at = self.places.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.places.get(at).map(|(_, place)| *place)
    }

    fn one(&mut self, id: ArticleId) -> Option<&mut OfArticle> {
        let place = self.place(id)?;
        self.all.get_mut(place)
    }

    fn load_authors(&mut self, conn: &mut Conn, ids: &[ArticleId], with_bios: WithBios) -> Result<()> {
        type Row =
            (ArticleId, AuthorRole, (StaffId, String, String, StaffKind, Option<String>, Instant), Option<String>);
        let query = live_authors::table
            .inner_join(staff::table)
            .order((live_authors::article_id, live_authors::position))
            .select((
                live_authors::article_id,
                live_authors::role,
                (staff::id, staff::slug, staff::name, staff::kind, staff::title, staff::updated_at),
                case_when(with_bios.0.into_sql::<Bool>(), staff::bio_html),
            ));
        each_of_articles!(conn, live_authors::article_id, ids, query, |row: Row| {
            let (article, role, (id, slug, name, kind, title, updated_at), bio_html) = row;
            let Some(one) = self.one(article) else { continue };
            let bio_html = bio_html.filter(|bio| !bio.is_empty());
            one.authors.push(AuthorSummary { id, slug, name, kind, title, role, bio_html });
            one.changed_at = one.changed_at.max(Some(updated_at));
        });
        Ok(())
    }

    fn load_tags(&mut self, conn: &mut Conn, ids: &[ArticleId]) -> Result<()> {
        type Row = (ArticleId, (TagId, String, String, Instant));
        let query = live_tags::table
            .inner_join(tags::table)
            .order((live_tags::article_id, live_tags::position))
            .select((live_tags::article_id, (tags::id, tags::slug, tags::name, tags::updated_at)));
        each_of_articles!(conn, live_tags::article_id, ids, query, |row: Row| {
            let (article, (id, slug, name, updated_at)) = row;
            let Some(one) = self.one(article) else { continue };
            one.tags.push(TagSummary { id, slug, name });
            one.changed_at = one.changed_at.max(Some(updated_at));
        });
        Ok(())
    }

    /// Only what readers see is related: the join leaves out the rest.
    fn load_related(&mut self, conn: &mut Conn, ids: &[ArticleId], scope: Option<&Scope>) -> Result<()> {
        let query = live_related::table
            .inner_join(live_articles::table.on(live_articles::id.eq(live_related::related_id)))
            .filter(is_visible())
            .order((live_related::article_id, live_related::position))
            .select((live_related::article_id, live_related::related_id));
        let mut rows = Vec::new();
        each_of_articles!(conn, live_related::article_id, ids, query, |row: (ArticleId, ArticleId)| rows.push(row));
        if let Some(scope) = scope {
            let seen = scope.keep(conn, rows.iter().map(|(_, related)| *related).collect())?;
            rows.retain(|(_, related)| seen.contains(related));
        }
        for (article, related) in rows {
            if let Some(one) = self.one(article) {
                one.related.push(related);
            }
        }
        Ok(())
    }
}
