//! What the verbs do to an article; which apply when is the table in [`lifecycle`].

use diesel::prelude::*;
use serde_json::json;

use super::{
    ArticleRow, Working, check, require_untrashed,
    store::{self, Step},
};
use crate::{
    articles::{
        content::{Content, Correction},
        lifecycle::{self, Liveness, Next, State, Verb},
        preflight, publishing,
        publishing::{Reason, Release},
        schedule::{self, Event},
    },
    audit::{self, Entry, Resource},
    auth::identity::Caller,
    body::BlockId,
    clock::Instant,
    config::PreflightRules,
    db::{Tx, schema::articles},
    error::{Error, Result},
    ids::ArticleId,
    input::Prose,
    revisions::Basis,
};

/// A verb with what it says.
#[derive(Clone, Debug)]
pub enum Act {
    /// Hand in for review.
    Submit,
    /// Hand back to the author, with a note.
    Return(Option<Prose<2000>>),
    /// Find good.
    Approve,
    /// Show the working copy to readers.
    Publish,
    /// Show the working copy to readers later, or take it away later.
    Schedule(Times),
    /// Call off what was scheduled.
    Unschedule,
    /// Take away from readers.
    Withdraw,
    /// Show the working copy to readers, with a note of what was wrong.
    Correct(Prose<2000>, Option<BlockId>),
    /// Show the working copy to readers without saying that it changed.
    Fix,
    /// Take away from readers for good, with a notice.
    Kill(Prose<2000>),
    /// Bring back what was killed, for the newsroom only.
    Revive,
}

/// When something is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When readers are to see it; `None` leaves that as it is.
    pub publish_at: Option<Instant>,
    /// When readers are to see it no more; `None` leaves that as it is.
    pub withdraw_at: Option<Instant>,
}

impl Act {
    /// The verb.
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Submit => Verb::Submit,
            Self::Return(_) => Verb::Return,
            Self::Approve => Verb::Approve,
            Self::Publish => Verb::Publish,
            Self::Schedule(_) => Verb::Schedule,
            Self::Unschedule => Verb::Unschedule,
            Self::Withdraw => Verb::Withdraw,
            Self::Correct(..) => Verb::Correct,
            Self::Fix => Verb::Fix,
            Self::Kill(_) => Verb::Kill,
            Self::Revive => Verb::Revive,
        }
    }
}

/// Does a verb to the article as a whole.
///
/// # Errors
/// `invalid_transition`, `precondition_failed`, and `preflight_failed` for what lacks something to be published.
pub fn transition(
    tx: &mut Tx<'_>,
    caller: &Caller,
    old: Working,
    basis: &Basis,
    act: &Act,
    rules: &PreflightRules,
) -> Result<Working> {
    check(tx, &old, basis, None)?;
    require_untrashed(&old.row)?;
    let verb = act.verb();
    let next = verb.apply(old.row.state, old.row.liveness())?;
    let mut working = old;
    let was = working.row.state;
    working.row.state = match next {
        Next::State(state) => state,
        Next::Former => working.row.resumes_state.unwrap_or(State::Draft),
        Next::Same => was,
    };
    let (summary, note) = perform(tx, &mut working, act, was, rules)?;
    let is_published = matches!(act, Act::Publish | Act::Correct(..) | Act::Fix)
        || (matches!(act, Act::Schedule(_)) && working.row.state == State::Scheduled);
    let step = Step { kind: verb.revision_kind(), summary, note, is_published };
    let Working { row, content, body, warnings, .. } = working;
    let row = store::save(tx, row, &content, &body, caller.user_id, step)?;
    Ok(Working { warnings, ..Working::of(row, content, body) })
}

/// Does what a verb does besides changing the state; returns the summary and the note of the revision.
fn perform(
    tx: &mut Tx<'_>,
    working: &mut Working,
    act: &Act,
    was: State,
    rules: &PreflightRules,
) -> Result<(String, Option<String>)> {
    let row = &mut working.row;
    Ok(match act {
        Act::Submit => {
            row.review_note = None;
            ("Submitted for review".to_owned(), None)
        }
        Act::Return(note) => {
            row.review_note = note.as_ref().map(Prose::to_string);
            ("Returned to the author".to_owned(), row.review_note.clone())
        }
        Act::Approve => ("Approved".to_owned(), None),
        Act::Publish => {
            release(tx, working, rules, Reason::Published, None)?;
            ("Published".to_owned(), None)
        }
        Act::Fix => {
            release(tx, working, rules, Reason::Fixed, None)?;
            ("Published without notice".to_owned(), None)
        }
        Act::Correct(note, block_id) => {
            if let Some(id) = block_id
                && !working.body.body.has_block(id)
            {
                return Err(Error::invalid(
                    "/block_id",
                    "not_found",
                    format!("there is no block \"{id}\" in the body"),
                ));
            }
            let correction = Correction { at: tx.now, note: note.to_string(), block_id: block_id.clone() };
            working.row.corrections = Correction::append(&working.row.corrections, correction)?;
            release(tx, working, rules, Reason::Corrected, None)?;
            ("Published with a correction".to_owned(), Some(note.to_string()))
        }
        Act::Schedule(times) => {
            let summary = plan(tx, working, *times, was, rules)?;
            (summary, None)
        }
        Act::Unschedule => (unschedule(tx, row, was)?, None),
        Act::Withdraw => {
            withdraw(tx, row)?;
            ("Withdrawn".to_owned(), None)
        }
        Act::Kill(notice) => {
            kill(tx, row, notice)?;
            ("Killed".to_owned(), Some(notice.to_string()))
        }
        Act::Revive => {
            publishing::revive(tx, row.id)?;
            ("Brought back for the newsroom".to_owned(), None)
        }
    })
}

/// Puts the newest revision before readers, now or at a later time.
fn release(
    tx: &mut Tx<'_>,
    working: &mut Working,
    rules: &PreflightRules,
    reason: Reason,
    publish_at: Option<Instant>,
) -> Result<()> {
    preflight::require(tx.conn()?, &working.candidate(), rules)?;
    let row = &mut working.row;
    let is_seen = row.live_revision.is_some() && row.published_at.is_some_and(|at| at <= tx.now);
    let embargo = working.content.embargo_until.filter(|until| *until > tx.now);
    if is_seen && embargo.is_some() {
        return Err(lifecycle::refuse(
            "Readers see the article already, so an embargo comes too late; withdraw the article or remove embargo_until.",
        ));
    }
    if !is_seen {
        let visible_from = [publish_at, embargo].into_iter().flatten().fold(tx.now, Ord::max);
        // What was planned and never seen does not count as a first publication.
        let first = row.first_published_at.filter(|first| *first <= tx.now);
        row.first_published_at = first.or(Some(visible_from));
        row.published_at = Some(visible_from);
    }
    if publish_at.is_none() {
        row.publish_at = None;
        row.resumes_state = None;
    }
    row.review_note = None;
    if row.withdraw_at.is_some_and(|at| row.published_at.is_some_and(|published_at| at <= published_at)) {
        let detail = "must be after the article becomes visible; the embargo counts";
        return Err(Error::invalid("/withdraw_at", "too_early", detail));
    }
    row.live_revision = Some(row.revision + 1);
    let release = Release { row, content: &working.content, body: &working.body, reason };
    publishing::publish(tx, &release)?;
    schedule::plan(tx, row)
}

/// Schedules publishing or withdrawing; returns the summary of the revision.
fn plan(tx: &mut Tx<'_>, working: &mut Working, times: Times, was: State, rules: &PreflightRules) -> Result<String> {
    let publish_at = times.publish_at.or(working.row.publish_at);
    let becomes_scheduled = working.row.state == State::Scheduled;
    if let Some(at) = [times.publish_at, times.withdraw_at].into_iter().flatten().find(|at| *at <= tx.now) {
        let name = if times.publish_at == Some(at) { "/publish_at" } else { "/withdraw_at" };
        return Err(Error::invalid(name, "in_the_past", "must be in the future; use publish or withdraw for now"));
    }
    working.row.withdraw_at = times.withdraw_at.or(working.row.withdraw_at);
    if !becomes_scheduled {
        if times.publish_at.is_some() {
            let detail = "readers see the article already; publish its changes, or withdraw it first";
            return Err(Error::invalid("/publish_at", "not_allowed", detail));
        }
        publishing::set_end(tx, &working.row)?;
        schedule::plan(tx, &working.row)?;
        return Ok(describe(None, working.row.withdraw_at));
    }
    let Some(publish_at) = publish_at else {
        return Err(Error::invalid("/publish_at", "required", "is required for what readers do not see yet"));
    };
    if was != State::Scheduled {
        working.row.resumes_state = Some(was);
    }
    working.row.publish_at = Some(publish_at);
    working.row.live_revision = None;
    working.row.published_at = None;
    release(tx, working, rules, Reason::Published, Some(publish_at))?;
    Ok(describe(working.row.publish_at, working.row.withdraw_at))
}

fn describe(publish_at: Option<Instant>, withdraw_at: Option<Instant>) -> String {
    match (publish_at, withdraw_at) {
        (Some(from), Some(until)) => format!("Scheduled from {from} until {until}"),
        (Some(from), None) => format!("Scheduled for {from}"),
        (None, Some(until)) => format!("To be withdrawn at {until}"),
        (None, None) => "Scheduled".to_owned(),
    }
}

/// Calls off what was scheduled; returns the summary of the revision.
fn unschedule(tx: &mut Tx<'_>, row: &mut ArticleRow, was: State) -> Result<String> {
    if was != State::Scheduled && row.withdraw_at.is_none() {
        return Err(lifecycle::refuse(&format!("Nothing is scheduled; the article's state is {was}.")));
    }
    row.withdraw_at = None;
    if was == State::Scheduled {
        forget_release(tx, row);
        publishing::withdraw(tx, row.id)?;
    } else {
        publishing::set_end(tx, row)?;
    }
    schedule::plan(tx, row)?;
    Ok("Unscheduled".to_owned())
}

fn withdraw(tx: &mut Tx<'_>, row: &mut ArticleRow) -> Result<()> {
    forget_release(tx, row);
    publishing::withdraw(tx, row.id)?;
    schedule::plan(tx, row)
}

/// Forgets what was, or was to be, before readers.
fn forget_release(tx: &Tx<'_>, row: &mut ArticleRow) {
    row.live_revision = None;
    row.published_at = None;
    row.publish_at = None;
    row.withdraw_at = None;
    row.resumes_state = None;
    row.first_published_at = row.first_published_at.filter(|first| *first <= tx.now);
}

fn kill(tx: &mut Tx<'_>, row: &mut ArticleRow, notice: &Prose<2000>) -> Result<()> {
    forget_release(tx, row);
    if row.first_published_at.is_none() {
        return Err(lifecycle::refuse("Readers never saw the article; move it to the trash."));
    }
    publishing::kill(tx, row.id, Content::read(&row.content)?.guid, notice.as_str())?;
    schedule::plan(tx, row)
}

/// Records in the working copy that something has happened by the clock.
///
/// # Errors
/// When the database fails.
pub fn record(tx: &mut Tx<'_>, id: ArticleId, event: Event) -> Result<()> {
    let row: ArticleRow = articles::table.find(id).select(ArticleRow::as_select()).get_result(tx.conn()?)?;
    let mut working = Working::load(tx.conn()?, row)?;
    let row = &mut working.row;
    let step = match event {
        // The end of an embargo changes nothing in the working copy.
        Event::Publish if row.state != State::Scheduled => {
            let details = json!({ "revision": row.live_revision });
            return audit::append(
                tx,
                &Entry { resource: Resource::Article, id: id.to_string(), verb: "appeared", details },
            );
        }
        Event::Publish => {
            row.state = State::Published;
            row.publish_at = None;
            row.resumes_state = None;
            // The revision that readers see now is the one that was scheduled; this one says the same.
            if row.liveness() == Liveness::Current {
                row.live_revision = Some(row.revision + 1);
            }
            Step { kind: "published", summary: "Published on schedule".to_owned(), note: None, is_published: true }
        }
        Event::Withdraw => {
            row.state = State::Withdrawn;
            forget_release(tx, row);
            Step { kind: "withdrawn", summary: "Withdrawn on schedule".to_owned(), note: None, is_published: false }
        }
    };
    let by = store::who_scheduled(tx, id)?.unwrap_or(row.updated_by);
    store::save(tx, working.row, &working.content, &working.body, by, step)?;
    Ok(())
}
