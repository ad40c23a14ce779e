//! The past of a feed, in documents that do not change any more (RFC 5005, 4): one or more for each month.
//!
//! A page of an archive has as many items as the feed itself, counted from the first of the month on. So whatever comes
//! later, a full page stays what it is; and what is not on a full page yet is in the feed. The last page of a month is
//! complete when the month is over. Only complete pages are linked and call themselves archives; the page that is being
//! filled is answered at its address all the same. What is withdrawn leaves its page, and those after it close up.
//!
//! Months are those of UTC, by the time since which an article has been published without a break, which is the order of
//! every list.

use std::fmt;

use crate::{
    articles::list::{self, Filter, Place, Sort},
    clock::Instant,
    db::{self, Conn},
    error::{Error, Result},
    http::page::Limit,
};

/// A month of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    /// From 1 to 12.
    month: u8,
}

impl Month {
    /// Reads a month such as `2026-10`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let is_plain = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !is_plain(year, 4) || !is_plain(month, 2) {
            return None;
        }
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (1..=12).contains(&month).then_some(Self { year, month })
    }

    /// Returns the month of a moment.
    ///
    /// # Errors
    /// Never: moments are written as `2026-10-…`.
    pub fn of(moment: Instant) -> Result<Self> {
        let text = moment.to_string();
        text.get(..7).and_then(Self::parse).ok_or_else(|| Error::internal(format!("{text} is in no month")))
    }

    /// Returns its first moment.
    ///
    /// # Errors
    /// Never.
    pub fn start(self) -> Result<Instant> {
        Instant::parse(&format!("{self}-01T00:00:00Z")).ok_or_else(|| Error::internal(format!("{self} has no start")))
    }

    /// Returns the first moment after it.
    ///
    /// # Errors
    /// Never.
    pub fn end(self) -> Result<Instant> {
        let next = match self {
            Self { year: 9999, month: 12 } => {
                return Instant::parse("9999-12-31T23:59:59.999Z").ok_or_else(Error::not_found);
            }
            Self { year, month: 12 } => Self { year: year + 1, month: 1 },
            Self { year, month } => Self { year, month: month + 1 },
        };
        next.start()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A page of a month's archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The month.
    pub month: Month,
    /// Which page of it, from 1 on.
    pub number: i64,
}

impl Page {
    /// Reads the name of a page: `2026-10` is the first one of the month, `2026-10-2` the second.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(month) = Month::parse(text) {
            return Some(Self { month, number: 1 });
        }
        let (month, number) = text.rsplit_once('-')?;
        let is_plain = number.len() <= 6 && number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        let number = number.parse().ok().filter(|number| is_plain && *number > 1)?;
        Some(Self { month: Month::parse(month)?, number })
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number == 1 { self.month.fmt(f) } else { write!(f, "{}-{}", self.month, self.number) }
    }
}

/// What is on a page, and which ones are beside it.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The places, the newest first.
    pub places: Vec<Place>,
    /// Whether it stays as it is.
    pub is_complete: bool,
    /// The page before it.
    pub previous: Option<Page>,
    /// The complete page after it.
    pub next: Option<Page>,
}

/// Returns the newest complete page.
///
/// # Errors
/// When the database fails.
pub fn newest(conn: &mut Conn, filter: &Filter, limit: Limit) -> Result<Option<Page>> {
    let month = Month::of(db::now(conn)?)?;
    match list::count(conn, &within(filter, month)?)? / size(limit) {
        0 => last_before(conn, filter, month, limit),
        full => Ok(Some(Page { month, number: full })),
    }
}

/// Reads a page.
///
/// # Errors
/// `not_found` for a page on which nothing is.
pub fn read(conn: &mut Conn, filter: &Filter, limit: Limit, page: Page) -> Result<Archive> {
    let Page { month, number } = page;
    let present = Month::of(db::now(conn)?)?;
    let filter_of_month = within(filter, month)?;
    let pages = Pages::of(list::count(conn, &filter_of_month)?, limit, month < present);
    if number > pages.all {
        return Err(Error::not_found());
    }
    let mut places = list::places_after(conn, &filter_of_month, limit, (number - 1) * size(limit))?;
    places.reverse();
    let previous =
        if number > 1 { Some(Page { month, number: number - 1 }) } else { last_before(conn, filter, month, limit)? };
    let next = if number < pages.all {
        Some(Page { month, number: number + 1 }).filter(|_| number < pages.complete)
    } else {
        first_after(conn, filter, month, present, limit)?
    };
    Ok(Archive { places, is_complete: number <= pages.complete, previous, next })
}

/// How many pages a month has.
struct Pages {
    all: i64,
    complete: i64,
}

impl Pages {
    fn of(n_articles: i64, limit: Limit, is_over: bool) -> Self {
        let full = n_articles / size(limit);
        let all = full + i64::from(n_articles % size(limit) > 0);
        Self { all, complete: if is_over { all } else { full } }
    }
}

/// Returns the last page of the last month before another one in which there is something.
fn last_before(conn: &mut Conn, filter: &Filter, month: Month, limit: Limit) -> Result<Option<Page>> {
    let mut before = bounded(filter, None, Some(month.start()?));
    before.sort = Sort::NewestFirst;
    let Some(place) = list::places_after(conn, &before, Limit::of(1), 0)?.pop() else { return Ok(None) };
    let month = Month::of(place.published_at)?;
    let pages = Pages::of(list::count(conn, &within(filter, month)?)?, limit, true);
    Ok(Some(Page { month, number: pages.all.max(1) }))
}

/// Returns the first page of the first month after another one in which there is something, if that page is complete.
fn first_after(conn: &mut Conn, filter: &Filter, month: Month, present: Month, limit: Limit) -> Result<Option<Page>> {
    let after = bounded(filter, Some(month.end()?), None);
    let Some(place) = list::places_after(conn, &after, Limit::of(1), 0)?.pop() else { return Ok(None) };
    let month = Month::of(place.published_at)?;
    let is_complete = month < present || list::count(conn, &within(filter, month)?)? >= size(limit);
    Ok(is_complete.then_some(Page { month, number: 1 }))
}

/// Returns what is of a month, the oldest first.
fn within(filter: &Filter, month: Month) -> Result<Filter> {
    Ok(bounded(filter, Some(month.start()?), Some(month.end()?)))
}

/// Returns a filter with tighter bounds, the oldest first.
fn bounded(filter: &Filter, after: Option<Instant>, before: Option<Instant>) -> Filter {
    let earlier = [filter.published_before, before].into_iter().flatten().min();
    Filter {
        published_after: filter.published_after.max(after),
        published_before: earlier,
        sort: Sort::OldestFirst,
        ..filter.clone()
    }
}

fn size(limit: Limit) -> i64 {
    i64::try_from(limit.get()).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_as_they_are_written() {
        for text in ["2026-10", "2026-12-2", "0001-01-999999"] {
            assert_eq!(Page::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "226-10",
            "2026-10-1",
            "2026-10-02",
            "2026-10-0",
            "2026-10-",
            "2026-10-+2",
            "2026-10-1234567",
            "+026-10",
            "٢٠٢٦-10",
        ] {
            assert_eq!(Page::parse(text), None, "{text}");
        }
    }

    #[test]
    fn months_follow_one_another() {
        let month = |text: &str| Month::parse(text).unwrap();

        assert_eq!(month("2026-12").end().unwrap(), month("2027-01").start().unwrap());
        assert_eq!(Month::of(month("2027-01").start().unwrap()).unwrap(), month("2027-01"));
        assert!(month("2026-12") < month("2027-01") && month("9999-12").end().is_ok());
    }
}
