//! What the working copies of articles refer to, as summaries.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Found;
use crate::{
    articles::{
        content::{Author, Content},
        view::{AuthorSummary, UserSummary},
    },
    auth::identity::Caller,
    db::{
        Conn,
        direct::{direct, one_of},
        schema::{sections, slugs, staff, tags, users},
    },
    error::Result,
    ids::{SectionId, StaffId, TagId, UserId},
    sections::{model::SectionSummary, store::SectionRow},
    staff::model::StaffKind,
    tags::model::TagSummary,
};

/// A staff profile as a byline shows it.
type StaffPart = (StaffId, (String, String, StaffKind, Option<String>));

/// A tag as an article shows it.
type TagPart = (TagId, String, String);

/// What the working copies of some articles refer to, as summaries.
#[derive(Debug, Default)]
pub struct Embedded {
    sections: HashMap<SectionId, SectionSummary>,
    staff: HashMap<StaffId, (String, String, StaffKind, Option<String>)>,
    tags: HashMap<TagId, TagSummary>,
    users: HashMap<UserId, UserSummary>,
}

/// Looks up what is not in the trash by slugs and by ids, with one statement for each of the two that is asked for.
macro_rules! find {
    ($conn:expr, $table:ident, $kind:literal, $keys:expr, $ids:expr, $columns:expr) => {{
        let (keys, ids): (Vec<String>, Vec<_>) = ($keys, $ids);
        let (mut by_key, mut by_id) = (Vec::new(), Vec::new());
        if !keys.is_empty() {
            let named = slugs::table.inner_join($table::table.on($table::id.eq(slugs::resource_id)));
            let named = named.filter(slugs::kind.eq($kind)).filter(one_of(slugs::key, keys));
            let named = named.filter($table::trashed_at.is_null());
            by_key = direct!($conn, |own| named.select((slugs::key, $columns)).load(own))?;
        }
        if !ids.is_empty() {
            let there = $table::table.filter(one_of($table::id, ids)).filter($table::trashed_at.is_null());
            by_id = direct!($conn, |own| there.select($columns).load(own))?;
        }
        (by_key, by_id)
    }};
}

impl Embedded {
    /// Reads the summaries of all that some contents refer to, and of some accounts.
    ///
    /// # Errors
    /// When the database fails.
    pub fn load<'a>(
        conn: &mut Conn,
        contents: impl Iterator<Item = &'a Content> + Clone,
        user_ids: Vec<UserId>,
    ) -> Result<Self> {
        let section_ids: Vec<SectionId> = contents.clone().filter_map(|content| content.section).collect();
        let staff_ids: Vec<StaffId> = contents.clone().flat_map(|c| c.authors.iter().map(|a| a.staff)).collect();
        let tag_ids: Vec<TagId> = contents.flat_map(|content| content.tags.iter().copied()).collect();
        let mut embedded = Self::default();
        if !section_ids.is_empty() {
            let named = sections::table.filter(one_of(sections::id, section_ids));
            embedded.add_sections(direct!(conn, |own| named.select(SectionRow::as_select()).load(own))?.iter());
        }
        if !staff_ids.is_empty() {
            let named = staff::table.filter(one_of(staff::id, staff_ids));
            let named = named.select((staff::id, (staff::slug, staff::name, staff::kind, staff::title)));
            embedded.staff.extend(direct!(conn, |own| named.load::<StaffPart>(own))?);
        }
        if !tag_ids.is_empty() {
            let named = tags::table.filter(one_of(tags::id, tag_ids)).select((tags::id, tags::slug, tags::name));
            embedded.add_tags(direct!(conn, |own| named.load::<TagPart>(own))?);
        }
        embedded.add_users(conn, user_ids)?;
        Ok(embedded)
    }

    /// Remembers what a caller's account is called, if that is known.
    pub fn add_caller(&mut self, caller: &Caller) {
        let (id, name) = (caller.user_id, caller.name.clone());
        self.users.extend(name.map(|name| (id, UserSummary { id, name })));
    }

    /// Reads the names of some accounts, unless they are known.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_users(&mut self, conn: &mut Conn, mut ids: Vec<UserId>) -> Result<()> {
        ids.retain(|id| !self.users.contains_key(id));
        if ids.is_empty() {
            return Ok(());
        }
        let named = users::table.filter(one_of(users::id, ids)).select((users::id, users::name));
        let found: Vec<(UserId, String)> = direct!(conn, |own| named.load(own))?;
        self.users.extend(found.into_iter().map(|(id, name)| (id, UserSummary { id, name })));
        Ok(())
    }

    fn add_sections<'a>(&mut self, found: impl Iterator<Item = &'a SectionRow>) {
        self.sections.extend(found.map(|row| (row.id, row.summary())));
    }

    fn add_tags(&mut self, found: impl IntoIterator<Item = TagPart>) {
        self.tags.extend(found.into_iter().map(|(id, slug, name)| (id, TagSummary { id, slug, name })));
    }

    /// Finds sections.
    pub(super) fn find_sections(
        &mut self,
        conn: &mut Conn,
        keys: Vec<String>,
        ids: Vec<SectionId>,
    ) -> Result<Found<SectionId>> {
        let (by_key, by_id): (Vec<(String, SectionRow)>, Vec<SectionRow>) =
            find!(conn, sections, "section", keys, ids, SectionRow::as_select());
        self.add_sections(by_key.iter().map(|(_, row)| row).chain(&by_id));
        Ok(Found {
            by_key: by_key.into_iter().map(|(key, row)| (key, row.id)).collect(),
            ids: by_id.into_iter().map(|row| row.id).collect(),
        })
    }

    /// Finds staff profiles.
    pub(super) fn find_staff(
        &mut self,
        conn: &mut Conn,
        keys: Vec<String>,
        ids: Vec<StaffId>,
    ) -> Result<Found<StaffId>> {
        let columns = (staff::id, (staff::slug, staff::name, staff::kind, staff::title));
        let (by_key, by_id): (Vec<(String, StaffPart)>, Vec<StaffPart>) =
            find!(conn, staff, "staff", keys, ids, columns);
        let ids = by_id.iter().map(|(id, _)| *id).collect();
        let (keys, named): (Vec<String>, Vec<StaffPart>) = by_key.into_iter().unzip();
        let by_key = keys.into_iter().zip(named.iter().map(|(id, _)| *id)).collect();
        self.staff.extend(named.into_iter().chain(by_id));
        Ok(Found { by_key, ids })
    }

    /// Finds tags.
    pub(super) fn find_tags(&mut self, conn: &mut Conn, keys: Vec<String>, ids: Vec<TagId>) -> Result<Found<TagId>> {
        let (by_key, by_id): (Vec<(String, TagPart)>, Vec<TagPart>) =
            find!(conn, tags, "tag", keys, ids, (tags::id, tags::slug, tags::name));
        let ids = by_id.iter().map(|(id, ..)| *id).collect();
        let (keys, named): (Vec<String>, Vec<TagPart>) = by_key.into_iter().unzip();
        let by_key = keys.into_iter().zip(named.iter().map(|(id, ..)| *id)).collect();
        self.add_tags(named.into_iter().chain(by_id));
        Ok(Found { by_key, ids })
    }

    /// Returns the section of a content.
    pub fn section(&self, content: &Content) -> Option<SectionSummary> {
        content.section.and_then(|id| self.sections.get(&id).cloned())
    }

    /// Returns the byline of a content.
    pub fn authors(&self, content: &Content) -> Vec<AuthorSummary> {
        let summary = |author: &Author| {
            let (slug, name, kind, title) = self.staff.get(&author.staff)?.clone();
            Some(AuthorSummary { id: author.staff, slug, name, kind, title, role: author.role, bio_html: None })
        };
        content.authors.iter().filter_map(summary).collect()
    }

    /// Returns the tags of a content.
    pub fn tags(&self, content: &Content) -> Vec<TagSummary> {
        content.tags.iter().filter_map(|id| self.tags.get(id).cloned()).collect()
    }

    /// Returns a user account.
    pub fn user(&self, id: UserId) -> UserSummary {
        self.users.get(&id).cloned().unwrap_or(UserSummary { id, name: String::new() })
    }
}
