//! What can happen to an article: one table of transitions, each a verb with its own endpoint and its own right.

use crate::{
    auth::rights::Operation,
    db::types::text_enum,
    error::{Code, Error, Result},
};

text_enum! {
    /// Where an article stands between the first draft and the archive.
    pub enum State as ArticleState {
        /// Being written; readers do not see it.
        Draft = "draft",
        /// Waiting for an editor. Readers may still see what was published before.
        InReview = "in_review",
        /// An editor found it good. Readers may still see what was published before.
        Approved = "approved",
        /// Readers will see it at `publish_at`.
        Scheduled = "scheduled",
        /// Readers see it, or will when its embargo ends.
        Published = "published",
        /// Readers saw it and do not see it any more.
        Withdrawn = "withdrawn",
        /// Readers are told by a notice that it is gone for good.
        Killed = "killed",
    }
}

/// Something that is done to an article as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Hand in for review.
    Submit,
    /// Hand back to the author.
    Return,
    /// Find good.
    Approve,
    /// Show the working copy to readers.
    Publish,
    /// Show the working copy to readers at a later time.
    Schedule,
    /// Call off what was scheduled.
    Unschedule,
    /// Take away from readers.
    Withdraw,
    /// Show the working copy to readers, with a note of what was wrong.
    Correct,
    /// Show the working copy to readers without saying that it changed.
    Fix,
    /// Take away from readers for good, with a notice.
    Kill,
    /// Bring back what was killed, for the newsroom only.
    Revive,
}

/// Whether the live tables have the article, and what of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// They do not have it.
    Hidden,
    /// They have the newest revision.
    Current,
    /// They have an older revision.
    Outdated,
}

/// What a verb leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This state.
    State(State),
    /// The state that the article was in before it was scheduled.
    Former,
    /// The state that it is in.
    Same,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 11] = [
        Self::Submit,
        Self::Return,
        Self::Approve,
        Self::Publish,
        Self::Schedule,
        Self::Unschedule,
        Self::Withdraw,
        Self::Correct,
        Self::Fix,
        Self::Kill,
        Self::Revive,
    ];

    /// The right that the verb takes.
    pub const fn operation(self) -> Operation {
        match self {
            Self::Submit => Operation::SubmitArticle,
            Self::Return => Operation::ReturnArticle,
            Self::Approve => Operation::ApproveArticle,
            Self::Publish => Operation::PublishArticle,
            Self::Schedule => Operation::ScheduleArticle,
            Self::Unschedule => Operation::UnscheduleArticle,
            Self::Withdraw => Operation::WithdrawArticle,
            Self::Correct => Operation::CorrectArticle,
            Self::Fix => Operation::FixArticle,
            Self::Kill => Operation::KillArticle,
            Self::Revive => Operation::ReviveArticle,
        }
    }

    /// What the revision that it makes is called.
    pub const fn revision_kind(self) -> &'static str {
        match self {
            Self::Submit => "submitted",
            Self::Return => "returned",
            Self::Approve => "approved",
            Self::Publish => "published",
            Self::Schedule => "scheduled",
            Self::Unschedule => "unscheduled",
            Self::Withdraw => "withdrawn",
            Self::Correct => "corrected",
            Self::Fix => "fixed",
            Self::Kill => "killed",
            Self::Revive => "revived",
        }
    }

    /// Returns what the verb leads to.
    ///
    /// # Errors
    /// `invalid_transition` when it does not apply.
    pub fn apply(self, state: State, liveness: Liveness) -> Result<Next> {
        use Liveness::{Current, Hidden, Outdated};
        let to = |state| Ok(Next::State(state));
        match (self, state, liveness) {
            (Self::Submit, State::Draft | State::Withdrawn, _) | (Self::Submit, State::Published, Outdated) => {
                to(State::InReview)
            }
            (Self::Return, State::InReview | State::Approved, Hidden) => to(State::Draft),
            (Self::Return, State::InReview | State::Approved, Current | Outdated) => to(State::Published),
            (Self::Approve, State::InReview, _) => to(State::Approved),
            (Self::Publish, State::Draft | State::InReview | State::Approved | State::Withdrawn, _)
            | (Self::Publish, State::Scheduled, _)
            | (Self::Publish, State::Published, Outdated) => to(State::Published),
            (Self::Schedule, State::Draft | State::InReview | State::Approved | State::Withdrawn, Hidden)
            | (Self::Schedule, State::Scheduled, _) => to(State::Scheduled),
            // What readers see can be scheduled to end.
            (
                Self::Schedule | Self::Unschedule,
                State::Published | State::InReview | State::Approved,
                Current | Outdated,
            ) => Ok(Next::Same),
            (Self::Unschedule, State::Scheduled, _) => Ok(Next::Former),
            (Self::Withdraw, State::Published | State::InReview | State::Approved, Current | Outdated) => {
                to(State::Withdrawn)
            }
            (Self::Correct, State::Published | State::InReview | State::Approved, Current | Outdated)
            | (Self::Fix, State::Published | State::InReview | State::Approved, Outdated) => to(State::Published),
            (Self::Kill, State::Published | State::InReview | State::Approved, Current | Outdated)
            | (Self::Kill, State::Withdrawn | State::InReview | State::Approved | State::Draft, Hidden) => {
                to(State::Killed)
            }
            (Self::Revive, State::Killed, _) => to(State::Withdrawn),
            (verb, state, liveness) => Err(refuse(&verb.objection(state, liveness))),
        }
    }

    /// Says why the verb does not apply.
    fn objection(self, state: State, liveness: Liveness) -> String {
        if state == State::Killed {
            return "The article was killed; an administrator can bring it back with `restore`.".to_owned();
        }
        match self {
            Self::Submit if state == State::InReview => "The article is in review already.".to_owned(),
            Self::Submit if state == State::Approved => "The article is approved already.".to_owned(),
            Self::Submit | Self::Publish | Self::Fix if state == State::Published => {
                "There is nothing new: readers see the newest revision.".to_owned()
            }
            Self::Return | Self::Approve => format!("The article is not in review; its state is {state}."),
            Self::Unschedule => format!("Nothing is scheduled; the article's state is {state}."),
            Self::Withdraw | Self::Correct | Self::Kill if state == State::Scheduled => {
                "Readers do not see the article yet; use `unschedule`.".to_owned()
            }
            Self::Revive => format!("The article was not killed; its state is {state}."),
            _ if liveness == Liveness::Hidden => {
                format!("Readers do not see the article; its state is {state}.")
            }
            _ => format!("The article's state is {state}."),
        }
    }
}

/// The answer to a verb or a write that the article's state does not permit.
pub fn refuse(detail: &str) -> Error {
    Error::new(Code::InvalidTransition, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell of the table: what each verb makes of each state, by whether readers see something and what.
    #[test]
    fn the_table_of_transitions() {
        use Liveness::{Current, Hidden, Outdated};
        use State::{Approved, Draft, InReview, Killed, Published, Scheduled, Withdrawn};
        let possible = [
            (Draft, Hidden),
            (InReview, Hidden),
            (InReview, Current),
            (InReview, Outdated),
            (Approved, Hidden),
            (Approved, Outdated),
            (Scheduled, Current),
            (Scheduled, Outdated),
            (Published, Current),
            (Published, Outdated),
            (Withdrawn, Hidden),
            (Killed, Hidden),
        ];
        let to = |state| Some(Next::State(state));
        let (draft, review, good) = (to(Draft), to(InReview), to(Approved));
        let (later, live, gone, dead) = (to(Scheduled), to(Published), to(Withdrawn), to(Killed));
        let (same, former) = (Some(Next::Same), Some(Next::Former));
        let table = [
            (Verb::Submit, [review, None, None, None, None, None, None, None, None, review, review, None]),
            (Verb::Return, [None, draft, live, live, draft, live, None, None, None, None, None, None]),
            (Verb::Approve, [None, good, good, good, None, None, None, None, None, None, None, None]),
            (Verb::Publish, [live, live, live, live, live, live, live, live, None, live, live, None]),
            (Verb::Schedule, [later, later, same, same, later, same, later, later, same, same, later, None]),
            (Verb::Unschedule, [None, None, same, same, None, same, former, former, same, same, None, None]),
            (Verb::Withdraw, [None, None, gone, gone, None, gone, None, None, gone, gone, None, None]),
            (Verb::Correct, [None, None, live, live, None, live, None, None, live, live, None, None]),
            (Verb::Fix, [None, None, None, live, None, live, None, None, None, live, None, None]),
            (Verb::Kill, [dead, dead, dead, dead, dead, dead, None, None, dead, dead, dead, None]),
            (Verb::Revive, [None, None, None, None, None, None, None, None, None, None, None, gone]),
        ];
        assert_eq!(table.map(|(verb, _)| verb), Verb::ALL);
        for (verb, results) in table {
            for ((state, liveness), expected) in possible.into_iter().zip(results) {
                assert_eq!(verb.apply(state, liveness).ok(), expected, "{verb:?} on {state} {liveness:?}");
            }
        }
    }
}
