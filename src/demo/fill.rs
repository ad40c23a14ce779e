//! Fills an empty database with the demo newsroom, through the same functions that the endpoints use.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::{DemoArticle, DemoAuthorRole, DemoRole, DemoStaffKind, DemoStage};
use crate::{
    articles::{
        input::ArticleInput,
        words,
        working::{self, Act, Draft, Edit},
    },
    auth::{identity::Caller, password::Password, passwords::Passwords, rights::Role, secret::Secret},
    clock::Instant,
    config::PreflightRules,
    db::{
        Db, Tx,
        schema::{articles, instance, sections, staff, tags, users},
    },
    error::{Code, Error, Result},
    ids::ArticleId,
    input::read,
    revisions::Basis,
    sections::store as section_store,
    staff::store as staff_store,
    tags::store as tag_store,
    users::{model::UserInput, store as user_store},
};

/// How much to make.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many articles.
    pub articles: u64,
    /// What the generated texts follow from.
    pub seed: u64,
    /// Which passwords the logins get.
    pub logins: Logins,
}

/// The passwords of the demo's logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logins {
    /// The documented ones, for a server that only this machine can reach.
    Documented,
    /// Such as nobody knows.
    Closed,
}

/// Articles that are written in one transaction.
const BATCH: u64 = 100;

/// Fills the database; `progress` is told how many articles there are.
///
/// The newsroom and the first articles come in one transaction, so that the newsroom of `serve --demo` is there as a whole
/// or not at all.
///
/// # Errors
/// `conflict` when the database has content, and those of the database.
pub fn run(db: &Db, passwords: &Passwords, options: Options, progress: impl Fn(u64)) -> Result<()> {
    refuse_content(db)?;
    let hashes = hashes(passwords, options.logins)?;
    let started = Instant::now();
    let mut ids: Vec<ArticleId> = Vec::new();
    let (editor, made) = db.write_blocking(|tx| {
        let editor = make_newsroom(tx, &hashes, options)?;
        let made = make_articles(tx, &editor, options, &ids, started)?;
        if options.logins == Logins::Documented {
            leave_mark(tx)?;
        }
        Ok((editor, made))
    })?;
    ids.extend(made);
    loop {
        let n_made = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        progress(n_made);
        if n_made >= options.articles {
            return Ok(());
        }
        let made = db.write_blocking(|tx| {
            let made = make_articles(tx, &editor, options, &ids, started)?;
            while words::file_some(tx)? {}
            Ok(made)
        })?;
        ids.extend(made);
    }
}

/// The name under which a database says that its logins have the documented passwords.
const MARK: &str = "demo";

/// Returns whether `serve --demo` made what is in the database.
///
/// # Errors
/// When the database fails.
pub fn has_mark(db: &Db) -> Result<bool> {
    db.read_blocking(|conn| Ok(diesel::select(diesel::dsl::exists(instance::table.find(MARK))).get_result(conn)?))
}

fn leave_mark(tx: &mut Tx<'_>) -> Result<()> {
    diesel::insert_into(instance::table)
        .values((instance::name.eq(MARK), instance::value.eq("documented")))
        .execute(tx.conn()?)?;
    Ok(())
}

fn refuse_content(db: &Db) -> Result<()> {
    let has_content = db.read_blocking(|conn| {
        let counts: [i64; 5] = [
            articles::table.count().get_result(conn)?,
            sections::table.count().get_result(conn)?,
            staff::table.count().get_result(conn)?,
            tags::table.count().get_result(conn)?,
            users::table.count().get_result(conn)?,
        ];
        Ok(counts.iter().any(|count| *count > 0))
    })?;
    if has_content {
        let detail = "The database has content; the demo only fills an empty one. Name another with DATABASE_URL.";
        return Err(Error::new(Code::Conflict, detail));
    }
    Ok(())
}

/// Hashes the passwords of the logins, which takes too long for a transaction.
fn hashes(passwords: &Passwords, logins: Logins) -> Result<Vec<String>> {
    let mut hashes = Vec::new();
    for login in super::logins() {
        let secret = Secret::generate().map_err(Error::internal)?.reveal();
        let typed = if logins == Logins::Documented { login.password } else { &secret };
        let password = Password::parse(typed).map_err(|fault| Error::internal(fault.text()))?;
        hashes.push(passwords.hash(&password)?);
    }
    Ok(hashes)
}

/// Makes sections, staff, tags and logins; returns the editor, who writes the articles.
fn make_newsroom(tx: &mut Tx<'_>, hashes: &[String], options: Options) -> Result<Caller> {
    // The newsroom is older than its first article.
    let oldest = super::article(options.seed, 0, options.articles).age_minutes;
    tx.now = minutes_before(tx.now, oldest.saturating_add(24 * 60));
    for section in super::sections() {
        let input = json!({ "slug": section.slug, "name": section.name, "description": section.description, "parent": section.parent });
        section_store::create(tx, None, &read(input, Code::InvalidInput)?)?;
    }
    for profile in super::staff() {
        staff_store::create(tx, None, &read(profile_input(profile), Code::InvalidInput)?)?;
    }
    for tag in super::tags() {
        let input = json!({ "slug": tag.slug, "name": tag.name, "description": tag.description });
        tag_store::create(tx, None, &read(input, Code::InvalidInput)?)?;
    }
    let mut editor = None;
    for (login, hash) in super::logins().iter().zip(hashes) {
        let role = match login.role {
            DemoRole::Admin => Role::Admin,
            DemoRole::Editor => Role::Editor,
            DemoRole::Author => Role::Author,
        };
        let input = json!({ "email": login.email, "name": login.display_name, "role": role, "staff": login.staff });
        let input: UserInput = read(input, Code::InvalidInput)?;
        let row = user_store::create(tx, None, &input, Some(hash))?;
        if role == Role::Editor {
            editor = Some(Caller { user_id: row.id, session_id: None, key_id: None, role, staff_id: None, name: None });
        }
    }
    editor.ok_or_else(|| Error::internal("the demo has no editor"))
}

/// Makes the next articles after those that there are.
fn make_articles(
    tx: &mut Tx<'_>,
    editor: &Caller,
    options: Options,
    there: &[ArticleId],
    started: Instant,
) -> Result<Vec<ArticleId>> {
    let first = u64::try_from(there.len()).unwrap_or(u64::MAX);
    let end = first.saturating_add(BATCH).min(options.articles);
    let mut made: Vec<ArticleId> = Vec::new();
    for index in first..end {
        let article = super::article(options.seed, index, options.articles);
        let earlier = |index: u64| {
            let index = usize::try_from(index).ok()?;
            there.get(index).or_else(|| made.get(index.checked_sub(there.len())?)).copied()
        };
        let input = read(article_input(&article, earlier), Code::InvalidInput)?;
        made.push(make_article(tx, editor, &article, &input, started)?);
    }
    Ok(made)
}

fn profile_input(profile: &super::DemoStaff) -> Value {
    let links: Vec<Value> = profile.links.iter().map(|(label, url)| json!({ "label": label, "url": url })).collect();
    json!({
        "slug": profile.slug,
        "name": profile.name,
        "kind": match profile.kind {
            DemoStaffKind::Person => "person",
            DemoStaffKind::Organization => "organization",
        },
        "title": profile.title,
        "bio_html": profile.bio_html,
        "contact_email": profile.email,
        "contact_phone": profile.phone,
        "links": links,
    })
}

fn make_article(
    tx: &mut Tx<'_>,
    editor: &Caller,
    article: &DemoArticle,
    input: &ArticleInput,
    started: Instant,
) -> Result<ArticleId> {
    tx.now = minutes_before(started, article.age_minutes);
    let mut working = working::create(tx, editor, &Draft::read(input.clone()))?;
    let id = working.row.id;
    let acts: &[Act] = match article.stage {
        DemoStage::Draft => &[],
        DemoStage::InReview => &[Act::Submit],
        DemoStage::Published | DemoStage::PublishedWithChanges => &[Act::Publish],
        DemoStage::Withdrawn => &[Act::Publish, Act::Withdraw],
    };
    for act in acts {
        working = working::transition(tx, editor, working, &Basis::Any, act, &PreflightRules::default())?;
    }
    if article.stage == DemoStage::PublishedWithChanges {
        let patch =
            json!({ "standfirst": format!("{} (updated)", article.standfirst.as_deref().unwrap_or("A first report")) });
        working::update(tx, editor, working, &Basis::Any, &Edit::read(patch))?;
    }
    Ok(id)
}

fn article_input(article: &DemoArticle, earlier: impl Fn(u64) -> Option<ArticleId>) -> Value {
    let authors: Vec<Value> =
        article.authors.iter().map(|(staff, role)| json!({ "staff": staff, "role": role_name(*role) })).collect();
    let related: Vec<String> =
        article.related.iter().filter_map(|index| earlier(*index)).map(|id| id.to_string()).collect();
    json!({
        "kicker": article.kicker,
        "title": article.title,
        "standfirst": article.standfirst,
        "excerpt": article.excerpt,
        "language": article.language,
        "dateline": article.dateline,
        "section": article.section,
        "authors": authors,
        "byline": article.byline,
        "tags": article.tags,
        "featured": article.featured,
        "related": related,
        "source": article.source.as_ref().map(|(name, url)| json!({ "name": name, "url": url })),
        "seo": { "title": article.seo_title, "description": article.seo_description },
        "extensions": article.extensions,
        "body_html": article.body_html,
    })
}

const fn role_name(role: DemoAuthorRole) -> &'static str {
    match role {
        DemoAuthorRole::Author => "author",
        DemoAuthorRole::Contributor => "contributor",
        DemoAuthorRole::Photographer => "photographer",
        DemoAuthorRole::Translator => "translator",
        DemoAuthorRole::Editor => "editor",
    }
}

fn minutes_before(moment: Instant, minutes: u64) -> Instant {
    let seconds = i64::try_from(minutes.saturating_mul(60)).unwrap_or(i64::MAX);
    moment.plus_seconds(seconds.saturating_neg())
}
