//! Who owns which slug, now and for ever: a slug that was left behind keeps leading to its owner.

use diesel::prelude::*;

use crate::{
    clock::Instant,
    db::{Conn, Tx, direct::direct, schema::slugs},
    error::{Code, Error, Fault, Result},
    ids::ResourceId,
    input::Slug,
};

/// The kinds of resource that have slugs, each a namespace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Articles, in their working copy.
    Article,
    /// Sections.
    Section,
    /// Staff profiles.
    Staff,
    /// Tags.
    Tag,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Section => "section",
            Self::Staff => "staff",
            Self::Tag => "tag",
        }
    }
}

/// Returns the owner of a slug, by its key.
///
/// # Errors
/// When the database fails.
pub fn owner(conn: &mut Conn, kind: Kind, key: &str) -> Result<Option<ResourceId>> {
    let owner = row_of(kind, key).select(slugs::resource_id);
    Ok(direct!(conn, |own| owner.get_result(own).optional())?)
}

/// Reads the row that a reference names, by any slug that its owner has or had.
macro_rules! named_by {
    ($conn:expr, $table:ident, $row:ty, $kind:expr, $reference:expr) => {
        match $reference {
            $crate::reference::Reference::Id(id) => $crate::db::direct::direct!($conn, |own| $table::table
                .find(*id)
                .select(<$row>::as_select())
                .get_result(own)
                .optional()),
            $crate::reference::Reference::Slug(slug) => {
                let key = $crate::input::Slug::key_of(slug);
                let owned = $crate::slugs::row_of($kind, &key);
                $crate::db::direct::direct!($conn, |own| owned
                    .inner_join($table::table.on($table::id.eq($crate::db::schema::slugs::resource_id)))
                    .select(<$row>::as_select())
                    .get_result(own)
                    .optional())
            }
        }
    };
}
pub(crate) use named_by;

/// Returns the query for the row of a slug, by its key.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn row_of<'a>(kind: Kind, key: &'a str) -> _ {
    let kind: &'static str = kind.as_str();
    slugs::table.find((kind, key))
}

/// Gives a resource the slug that was asked for, or one made from its name that is free.
///
/// # Errors
/// `slug_taken` when the slug that was asked for has another owner.
pub fn settle(tx: &mut Tx<'_>, kind: Kind, id: ResourceId, asked: Option<&Slug>, name: &str) -> Result<Slug> {
    if let Some(slug) = asked {
        return match owner(tx.conn()?, kind, &slug.key())? {
            Some(owner) if owner == id => Ok(slug.clone()),
            None => {
                let claim = Claim::new(kind, id, slug, tx.now);
                tx.insert(diesel::insert_into(slugs::table).values(claim))?;
                Ok(slug.clone())
            }
            Some(_) => Err(taken(slug)),
        };
    }
    let digits = id.to_string().replace('-', "");
    let tail = |n: usize| digits.get(digits.len().saturating_sub(n)..).unwrap_or(&digits).to_owned();
    let derived = Slug::derive(name).unwrap_or_else(|| Slug::trusted(format!("{}-{}", kind.as_str(), tail(12))));
    // A handful of numbers read well; beyond them a piece of the id saves looking through all that are taken.
    let numbered = (2..=9).map(|number| derived.with_suffix(&number.to_string()));
    let candidates =
        std::iter::once(derived.clone()).chain(numbered).chain([8, 12, 32].map(|n| derived.with_suffix(&tail(n))));
    for slug in candidates {
        // Mostly it is free. PostgreSQL would take a look at it for a sign that others must not come near.
        let claim = Claim::new(kind, id, &slug, tx.now);
        let claim = diesel::insert_into(slugs::table).values(claim).on_conflict_do_nothing();
        let is_claimed = direct!(tx.conn()?, |own| claim.execute(own))? == 1;
        if is_claimed || owner(tx.conn()?, kind, &slug.key())? == Some(id) {
            return Ok(slug);
        }
    }
    Err(Error::internal("no free slug"))
}

/// Makes all slugs of one resource lead to another.
///
/// # Errors
/// When the database fails.
pub fn hand_over(tx: &mut Tx<'_>, kind: Kind, from: ResourceId, to: ResourceId) -> Result<()> {
    diesel::update(slugs::table.filter(slugs::kind.eq(kind.as_str())).filter(slugs::resource_id.eq(from)))
        .set(slugs::resource_id.eq(to))
        .execute(tx.conn()?)?;
    Ok(())
}

/// A row that says whose a slug is.
#[derive(Insertable)]
#[diesel(table_name = slugs)]
struct Claim {
    kind: &'static str,
    key: String,
    resource_id: ResourceId,
    created_at: Instant,
}

impl Claim {
    fn new(kind: Kind, id: ResourceId, slug: &Slug, at: Instant) -> Self {
        Self { kind: kind.as_str(), key: slug.key(), resource_id: id, created_at: at }
    }
}

fn taken(slug: &Slug) -> Error {
    let fault = Fault::new("/slug", "taken", format!("\"{slug}\" belongs, or once belonged, to another"));
    Error::faults(Code::SlugTaken, vec![fault])
}
