//! Articles as ninjs: one, and lists with their pages.

use super::{
    item::{self, Context, Item},
    ninjs::{Ninjs, NinjsPage},
    params::NinjsListParams,
    profile::View,
};
use crate::{
    articles::{list, live, notices, working::Parts},
    changes,
    db::Conn,
    delivery::Live,
    error::{Code, Result},
    http::{
        address::Address,
        page::{self, Cursor},
    },
    ids::ArticleId,
    reference::Reference,
    sections::paths,
    state::State,
};

/// Makes a page of a list.
///
/// # Errors
/// `invalid_parameter`, `invalid_cursor`.
pub fn list(
    conn: &mut Conn,
    state: &State,
    view: View<'_>,
    params: &NinjsListParams,
    address: &Address,
) -> Result<Live> {
    let mut filter = params.filter(conn, view.policy)?;
    filter.sort = params.sort.unwrap_or_default();
    let binding = params.binding();
    let cursor = params.cursor.as_deref().map(|text| Cursor::open(text, &state.key, &binding)).transpose()?;
    let places = list::places(conn, &filter, params.limit, cursor.as_ref())?;
    let slice = page::slice(places, params.limit, cursor.as_ref());
    let info = slice.info(params.limit, &state.key, &binding, |place| place.keys(filter.sort));
    let items = item::read(conn, &slice.rows, context(state, view))?;
    let keys: Vec<String> = items.iter().map(|item| format!("article-{}", item.article)).collect();
    let links = page::links(address, &info);
    let data = items.into_iter().map(|item| Ninjs::of(item, &state.config.site)).collect();
    let list = filter.list();
    Ok(Live::new(&NinjsPage { data, page: info }, changes::last_at(conn)?)?
        .list()
        .keyed(["articles".to_owned(), list.surrogate_key()])
        .keyed(keys)
        .linked(links))
}

/// Makes one article; of one that was killed, what takes it back.
///
/// # Errors
/// `not_found` for what readers do not see, a redirect for a slug that readers knew it by.
pub fn get(conn: &mut Conn, state: &State, view: View<'_>, article: &Reference<ArticleId>) -> Result<Live> {
    let site = &state.config.site;
    let shown = match live::get(conn, article, site, Parts { html: true, ..Parts::default() }, view.policy) {
        Ok(shown) => shown,
        Err(error) if error.code() == Code::Killed => {
            let Some(notice) = notices::notice(conn, article)? else { return Err(error) };
            let (key, killed_at) = (format!("article-{}", notice.id), notice.killed_at);
            return Ok(Live::new(&Ninjs::canceled(notice), killed_at)?.article().keyed([key]));
        }
        Err(error) => return Err(error),
    };
    let along = shown.article.section.iter().map(|section| section.path.as_str());
    let names = paths::names_along(conn, along)?;
    let keys = shown.surrogate_keys();
    // The names of the sections above are in it, too.
    let changed_at = names.changed_at.into_iter().fold(shown.changed_at, Ord::max);
    let item = Item::of(shown.article, context(state, view), &names);
    Ok(Live::new(&Ninjs::of(item, site), changed_at)?.article().keyed(keys).keyed(["sections".to_owned()]))
}

fn context<'a>(state: &'a State, view: View<'a>) -> Context<'a> {
    Context { site: &state.config.site, base: state.config.http.public_url.as_deref(), view }
}
