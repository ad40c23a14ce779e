//! What can go wrong, in the terms of the domain; `http::problem` turns it into an answer.
//!
//! Every kind stands once in the table below, with the status and the documentation that go with it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The result of everything that can fail in a way that a caller is told about.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($variant:ident $name:literal $status:literal $title:literal $doc:literal;)*) => {
        /// The kinds of problem; each has a page under `/problems/`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $(#[doc = $doc] $variant,)* }

        impl Code {
            /// All kinds, in order of status.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name in the problem's `type`, `/problems/{name}`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the HTTP status that the problem is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Returns the short, unchanging summary.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Returns what the problem means and what to do about it.
            pub const fn documentation(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

codes! {
    BadRequest "bad_request" 400 "The request is malformed"
        "The path, a header or the body is not well-formed: broken percent-encoding, a character that is not allowed, an invalid header value. The detail says which.";
    MalformedJson "malformed_json" 400 "The body is not valid JSON"
        "The body could not be read as JSON: a syntax error, a member that occurs twice, text that is not UTF-8, a number out of range, or nesting that is too deep. The detail names the line and column.";
    InvalidParameter "invalid_parameter" 400 "A query parameter is invalid"
        "A parameter is unknown, repeated, out of range, or names something that does not exist. `errors` lists each, with the parameter's name as the pointer. Nothing is ignored in silence.";
    InvalidCursor "invalid_cursor" 400 "The cursor is invalid"
        "The cursor was altered, is from another list, or was used with other filters or another sort than the page it came from. Take cursors only from `page.next` and `page.prev`, keep the other parameters as they were, or start again without a cursor.";
    Unauthenticated "unauthenticated" 401 "A valid access token is needed"
        "The request needs `Authorization: Bearer <access token>`, or the token that was sent is malformed, expired or revoked. Get one with `POST /v1/auth/token`, or a fresh one with `POST /v1/auth/refresh`.";
    InvalidCredentials "invalid_credentials" 401 "The credentials are wrong"
        "The e-mail address and the password do not belong together, or the account cannot log in. Which of them is deliberately not said.";
    Forbidden "forbidden" 403 "Not allowed"
        "You are known, but your role does not include this. The description of each operation says which roles do.";
    NotFound "not_found" 404 "Not found"
        "There is nothing at this address for you. What you may not see answers exactly as what does not exist.";
    MethodNotAllowed "method_not_allowed" 405 "The method is not allowed here"
        "The address exists, but not with this method. `Allow` lists the methods that it has.";
    NotAcceptable "not_acceptable" 406 "No acceptable representation"
        "The `Accept` header excludes everything that this address can answer with. Ask for `application/json` or `*/*`.";
    RequestTimeout "request_timeout" 408 "The request took too long to arrive"
        "The body was not received within the time allowed. Send it again without pauses.";
    Conflict "conflict" 409 "The request conflicts with the present state"
        "Something else changed at the same moment, or the resource is in a state that does not permit this. Read it again and decide anew.";
    InUse "in_use" 409 "The resource is in use"
        "What is still used cannot be moved to the trash. The detail says how many use it; change those first, or merge a tag into another.";
    SlugTaken "slug_taken" 409 "The slug is taken"
        "Another resource of this kind has, or once had, this slug. Former slugs stay reserved because they redirect.";
    EmailTaken "email_taken" 409 "The e-mail address is taken"
        "Another user account has this e-mail address, perhaps one in the trash.";
    InvalidTransition "invalid_transition" 409 "The article is not in a state for this"
        "The verb does not apply to the article's present state: a draft cannot be withdrawn, a published article must be withdrawn before it can be trashed, something in the trash must be restored first. The detail names the state.";
    LastAdmin "last_admin" 409 "The last administrator must stay"
        "This would leave nobody who can administer users. Give another account the role `admin` first.";
    IdempotencyInProgress "idempotency_in_progress" 409 "The same request is still running"
        "A request with this `Idempotency-Key` is being worked on. Wait for it, then send the request again to get its answer.";
    Killed "killed" 410 "The article is gone for good"
        "The newsroom has taken the article away for good. `notice` says what readers are to be told, `killed_at` since when. Remove your copies.";
    CursorExpired "cursor_expired" 410 "The cursor is too old"
        "What came after this cursor is not kept any more, so something would be missed. Start anew from `GET /v1/snapshot`, and go on with the cursor at its end.";
    PreconditionFailed "precondition_failed" 412 "The resource has changed since you read it"
        "`If-Match` does not name the newest revision. `current_etag` does, and `members` shows what you started from (`base`), what you sent (`yours`) and what is there now (`theirs`). Merge, then send again with the current ETag. With `Prefer: merge`, a change of an article is merged by the server as far as possible; then `members`, and `conflicts` for the blocks of the body, show only what both sides changed in different ways. A read says this, and nothing else of that, when what it would answer does not fit the `If-Match` or `If-Unmodified-Since` that was sent.";
    PayloadTooLarge "payload_too_large" 413 "The body is too large"
        "The body exceeds the limit that the detail names.";
    UriTooLong "uri_too_long" 414 "The address is too long"
        "The path and query together exceed 8 KiB.";
    UnsupportedMediaType "unsupported_media_type" 415 "The media type is not supported"
        "Bodies are `application/json` in UTF-8, without a content coding; `PATCH` also takes `application/merge-patch+json`.";
    InvalidInput "invalid_input" 422 "The input is invalid"
        "The JSON is well-formed but does not say something valid. `errors` lists every fault with a JSON pointer to the member.";
    PreflightFailed "preflight_failed" 422 "The article is not ready for readers"
        "Something is missing that an article needs before readers see it. `errors` lists all of it; `GET /v1/articles/{article}/preflight` tells the same and the warnings, at any time.";
    IdempotencyMismatch "idempotency_mismatch" 422 "The idempotency key was used for another request"
        "This `Idempotency-Key` belongs to an earlier request with other content. Use a new key for a new request.";
    PreconditionRequired "precondition_required" 428 "If-Match is needed"
        "A write to something that exists must say which revision it is based on: send `If-Match` with the ETag of the working view.";
    TooManyRequests "too_many_requests" 429 "Too many attempts"
        "Too many passwords were tried from this address or for this account. `Retry-After` says when to try again.";
    RateLimited "rate_limited" 429 "Too many requests with this key"
        "The API key has been used as often as it may be in this minute or on this day. `RateLimit` says how much is left of each, `Retry-After` when to come again.";
    Internal "internal_error" 500 "Something went wrong"
        "The server made a mistake and logged it under the request id in `instance`. Nothing was changed.";
    Unavailable "unavailable" 503 "The service cannot answer right now"
        "The database is away, or too many requests are waiting. Nothing was changed by this request unless it is repeated with the same `Idempotency-Key` and says so. `Retry-After` says when to try again.";
    StorageFull "storage_full" 507 "The storage is full"
        "The server cannot write because its disk is full. Reading goes on. Nothing was changed by this request.";
}

/// One fault of an input, with where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// A JSON pointer into the body, or `/name` for a query parameter; empty for the whole.
    #[schema(example = "/authors/0/staff")]
    pub pointer: String,
    /// What kind of fault it is, for programs.
    #[schema(example = "not_found")]
    pub code: &'static str,
    /// What is wrong and what is allowed, for people.
    #[schema(example = "there is no staff profile \"jane-roe\"")]
    pub detail: String,
}

impl Fault {
    /// Makes a fault at a place.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// A failure: what the caller is told, and apart from it what only the log is told.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    detail: String,
    faults: Vec<Fault>,
    members: Vec<(&'static str, Value)>,
    retry_after_s: Option<u64>,
    allow: Option<String>,
    cause: Option<String>,
    trouble: Option<Trouble>,
    moved_to: Option<String>,
}

/// Trouble with the database that is not the request's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another transaction came first: the same work may well succeed now.
    LostRace,
    /// The connection is gone.
    LostConnection,
}

impl Error {
    /// Makes a failure of a kind, with a sentence about this occurrence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            members: Vec::new(),
            retry_after_s: None,
            allow: None,
            cause: None,
            trouble: None,
            moved_to: None,
        }))
    }

    /// The answer for what does not exist and, in the same bytes, for what the caller may not see.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here.")
    }

    /// The resource is known by another slug now; the request is answered with a redirect to it.
    pub fn moved_to(slug: impl Into<String>) -> Self {
        let mut error = Self::not_found();
        error.0.moved_to = Some(slug.into());
        error
    }

    /// A mistake of ours; the cause goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(Code::Internal, "The request id in `instance` finds this in the server's log.").because(cause)
    }

    /// The database is away or busy; the cause goes to the log only.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(Code::Unavailable, "The database cannot be reached or is too busy. Try again shortly.")
            .retry_after(2)
            .because(cause)
    }

    /// All faults of one input, as a 422 (or of one query string, as a 400).
    pub fn faults(code: Code, faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [only] if only.pointer.is_empty() => only.detail.clone(),
            [only] => format!("{}: {}", only.pointer, only.detail),
            several => format!("{} faults; see `errors`.", several.len()),
        };
        let mut error = Self::new(code, detail);
        error.0.faults = faults;
        error
    }

    /// One fault of a body.
    pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::faults(Code::InvalidInput, vec![Fault::new(pointer, code, detail)])
    }

    /// Adds a member of its own to the problem.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.members.push((name, value.into()));
        self
    }

    /// Says after how many seconds another try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Says which methods the address has.
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.0.allow = Some(methods.into());
        self
    }

    /// Adds what only the log may say.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Says that the database was the trouble.
    #[must_use]
    pub fn troubled_by(mut self, trouble: Trouble) -> Self {
        self.0.trouble = Some(trouble);
        self
    }

    /// Returns the trouble with the database, if that is what it was.
    pub fn trouble(&self) -> Option<Trouble> {
        self.0.trouble
    }

    /// Returns the slug by which the resource is known now, if that is what it is about.
    pub fn new_slug(&self) -> Option<&str> {
        self.0.moved_to.as_deref()
    }

    /// Returns the kind.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Returns the sentence about this occurrence.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the faults of the input, if that is what it is about.
    pub fn input_faults(&self) -> &[Fault] {
        &self.0.faults
    }

    /// Returns the members of its own.
    pub fn members(&self) -> &[(&'static str, Value)] {
        &self.0.members
    }

    /// Returns the seconds after which to try again.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// Returns the methods of the address.
    pub fn allowed_methods(&self) -> Option<&str> {
        self.0.allow.as_deref()
    }

    /// Returns what only the log may say.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.title(), self.0.detail)?;
        for fault in self.0.faults.iter().filter(|_| self.0.faults.len() > 1) {
            write!(f, "\n  {}: {}", fault.pointer, fault.detail)?;
        }
        match &self.0.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
