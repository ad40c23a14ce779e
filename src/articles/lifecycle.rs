//! What can happen to an article: one table of transitions, each a verb with its own endpoint and its own right.

use crate::{
    auth::rights::Operation,
    db::types::text_enum,
    error::{Code, Error, Result},
};

text_enum! {
    /// Where an article stands: a draft, waiting for an editor, published, or withdrawn.
    pub enum State as ArticleState {
        /// Being written; readers do not see it.
        Draft = "draft",
        /// Waiting for an editor. Readers may still see what was published before.
        InReview = "in_review",
        /// Readers see it.
        Published = "published",
        /// Readers saw it and do not see it any more.
        Withdrawn = "withdrawn",
    }
}

/// Something that is done to an article as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Hand in for review.
    Submit,
    /// Hand back to the author.
    Return,
    /// Show the working copy to readers.
    Publish,
    /// Take away from readers.
    Withdraw,
}

/// Whether readers see the article, and what they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// They see nothing.
    Hidden,
    /// They see the newest revision.
    Current,
    /// They see an older revision.
    Outdated,
}

impl Verb {
    /// The right that the verb takes.
    pub const fn operation(self) -> Operation {
        match self {
            Self::Submit => Operation::SubmitArticle,
            Self::Return => Operation::ReturnArticle,
            Self::Publish => Operation::PublishArticle,
            Self::Withdraw => Operation::WithdrawArticle,
        }
    }

    /// What the revision that it makes is called.
    pub const fn revision_kind(self) -> &'static str {
        match self {
            Self::Submit => "submitted",
            Self::Return => "returned",
            Self::Publish => "published",
            Self::Withdraw => "withdrawn",
        }
    }

    /// Returns the state that the verb leads to.
    ///
    /// # Errors
    /// `invalid_transition` when it does not apply.
    pub fn apply(self, state: State, liveness: Liveness) -> Result<State> {
        match (self, state, liveness) {
            (Self::Submit, State::Draft | State::Withdrawn, _)
            | (Self::Submit, State::Published, Liveness::Outdated) => Ok(State::InReview),
            (Self::Return, State::InReview, Liveness::Hidden) => Ok(State::Draft),
            (Self::Return, State::InReview, Liveness::Current | Liveness::Outdated) => Ok(State::Published),
            (Self::Publish, State::Draft | State::InReview | State::Withdrawn, _)
            | (Self::Publish, State::Published, Liveness::Outdated) => Ok(State::Published),
            (Self::Withdraw, _, Liveness::Current | Liveness::Outdated) => Ok(State::Withdrawn),
            (Self::Submit | Self::Publish, State::Published, _) => {
                Err(refuse("There is nothing new: readers see the newest revision."))
            }
            (Self::Submit, State::InReview, _) => Err(refuse("The article is in review already.")),
            (Self::Return, state, _) => Err(refuse(&format!("The article is not in review; its state is {state}."))),
            (Self::Withdraw, state, Liveness::Hidden) => {
                Err(refuse(&format!("Readers do not see the article; its state is {state}.")))
            }
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
        let possible = [
            (State::Draft, Hidden),
            (State::InReview, Hidden),
            (State::InReview, Current),
            (State::InReview, Outdated),
            (State::Published, Current),
            (State::Published, Outdated),
            (State::Withdrawn, Hidden),
        ];
        let (draft, review, live, gone) =
            (Some(State::Draft), Some(State::InReview), Some(State::Published), Some(State::Withdrawn));
        let table = [
            (Verb::Submit, [review, None, None, None, None, review, review]),
            (Verb::Return, [None, draft, live, live, None, None, None]),
            (Verb::Publish, [live, live, live, live, None, live, live]),
            (Verb::Withdraw, [None, None, gone, gone, gone, gone, None]),
        ];
        for (verb, results) in table {
            for ((state, liveness), expected) in possible.into_iter().zip(results) {
                assert_eq!(verb.apply(state, liveness).ok(), expected, "{verb:?} on {state} {liveness:?}");
            }
        }
    }
}
