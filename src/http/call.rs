//! One request as a handler sees it: who calls, what they say, what they ask for; and the way back.
//!
//! Handlers take a [`Call`] and read it in the order in which refusals should come: who, what, whether.

use std::{
    cell::Cell,
    future::Ready,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, http::header::HeaderMap};
use deserr::Deserr;
use opentelemetry::trace::SpanKind;
use serde_json::Value;

use super::{
    address::Address,
    etag, idempotency,
    intake::{self, LONGEST_OF_STRANGERS, Room},
    path, query,
    reply::Reply,
};
use crate::{
    api_keys::{
        DRAFT_OPERATIONS, Key,
        model::Scope,
        reader::{self, Counted, Reader},
    },
    auth::{identity, identity::Caller, rights::Operation},
    db::{Conn, Origin, Tx},
    delivery::Live,
    error::{Code, Error, Result},
    ids::ArticleId,
    input::{Faults, read},
    reference::{ParseId, Reference},
    revisions::Basis,
    state::State,
    traces::{self, function_of},
};

/// Of a body up to this, whatever is made of it is made in about a millisecond.
const SHORT_BODY: usize = 8 * 1024;

/// A request.
pub struct Call {
    /// What the server has.
    pub state: State,
    request: HttpRequest,
    payload: Payload,
    body_digest: String,
    body_bytes: usize,
    /// The longest body that is taken: short until it is known who calls.
    longest_body: Cell<usize>,
    /// Held until the work on the body is done.
    room: Option<Room>,
}

impl FromRequest for Call {
    type Error = super::problem::Refusal;
    type Future = Ready<std::result::Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let call = request
            .app_data::<State>()
            .cloned()
            .ok_or_else(|| Error::internal("the application has no state").into())
            .map(|state| {
                let (request, payload) = (request.clone(), payload.take());
                let longest_body = Cell::new(LONGEST_OF_STRANGERS.min(state.config.http.body_limit_bytes));
                Self { state, request, payload, body_digest: String::new(), body_bytes: 0, longest_body, room: None }
            });
        std::future::ready(call)
    }
}

impl Call {
    /// Returns the caller, who must have the right to an operation (on their own things at least).
    ///
    /// # Errors
    /// `unauthenticated` without a valid token, `forbidden` when the role never has the right.
    pub async fn caller(&self, operation: Operation) -> Result<Caller> {
        let caller = match reader::sent(self.headers()) {
            None => self.anyone().await?,
            Some(text) => {
                let key = self.key(&text).await?;
                key.require(Scope::WriteDrafts)?;
                let author = key.author().filter(|_| DRAFT_OPERATIONS.contains(&operation)).ok_or_else(|| {
                    Error::new(Code::Forbidden, format!("This key does not include {} here.", operation.id()))
                })?;
                self.admit(&key)?;
                Origin::identify(author.actor());
                author
            }
        };
        caller.may_ever(operation)?;
        Ok(caller)
    }

    /// Returns the caller, whatever their role.
    ///
    /// # Errors
    /// `unauthenticated` without a valid token.
    pub async fn anyone(&self) -> Result<Caller> {
        self.optional_caller().await?.ok_or_else(Caller::missing)
    }

    /// Returns the caller if a token was sent; one that is sent must be valid.
    ///
    /// # Errors
    /// `unauthenticated` when a token was sent and is not valid.
    pub async fn optional_caller(&self) -> Result<Option<Caller>> {
        let caller = identity::identify(&self.state, self.headers()).await?;
        if let Some(caller) = &caller {
            self.takes_long_bodies();
            // Whatever this request writes from now on says so in the audit.
            Origin::identify(caller.actor());
        }
        Ok(caller)
    }

    /// Returns who reads: a partner whose key has the scope, somebody with a login, or anybody.
    ///
    /// # Errors
    /// `unauthenticated` when a key or a token was sent and is not valid, `forbidden` when the key is not for this,
    /// `rate_limited` when it was used too often.
    pub async fn reader(&self, scope: Scope) -> Result<Reader> {
        if let Some(text) = reader::sent(self.headers()) {
            let key = self.key(&text).await?;
            let reader = Reader::with_key(key.clone(), scope)?;
            self.admit(&key)?;
            if let Some(caller) = &reader.caller {
                Origin::identify(caller.actor());
            }
            return Ok(reader);
        }
        let anonymous = || Reader::anonymous(self.state.config.delivery.anonymous_readers.clone());
        Ok(self.optional_caller().await?.map_or_else(anonymous, Reader::with_login))
    }

    /// Returns the key that was sent, and has the request counted.
    async fn key(&self, text: &str) -> Result<Arc<Key>> {
        let key = self.state.api_keys.open(&self.state.db, text).await?;
        self.takes_long_bodies();
        let counted = Counted { key: key.clone(), is_refused: false, headers: None, told: Vec::new() };
        self.request.extensions_mut().insert(counted);
        Ok(key)
    }

    /// Takes bodies as long as the settings allow from now on: it is known who sends them.
    fn takes_long_bodies(&self) {
        self.longest_body.set(self.state.config.http.body_limit_bytes);
    }

    /// Counts the request against the limits of the key.
    fn admit(&self, key: &Key) -> Result<()> {
        let allowed = self.state.api_keys.admit(key);
        if let Some(counted) = self.request.extensions_mut().get_mut::<Counted>() {
            (counted.is_refused, counted.headers) = (allowed.retry_after.is_some(), allowed.headers);
        }
        match allowed.retry_after {
            None => Ok(()),
            Some(seconds) => {
                let detail = format!("The key may be used again in {seconds} s.");
                Err(Error::new(Code::RateLimited, detail).retry_after(seconds))
            }
        }
    }

    /// Notes that the answer tells the reader of articles, for those that its surrogate keys do not name.
    pub fn tells_of(&self, articles: impl IntoIterator<Item = ArticleId>) {
        if let Some(counted) = self.request.extensions_mut().get_mut::<Counted>() {
            counted.told.extend(articles);
        }
    }

    /// Returns a step of the path as an id or a slug.
    ///
    /// # Errors
    /// Not found, when it can be neither.
    pub fn reference<I: ParseId>(&self, name: &str) -> Result<Reference<I>> {
        Reference::parse(&path::step(&self.request, name)?).map_err(|_| Error::not_found())
    }

    /// Returns a step of the path as an id.
    ///
    /// # Errors
    /// Not found, when it is not one.
    pub fn id<I: ParseId>(&self, name: &str) -> Result<I> {
        I::parse_id(&path::step(&self.request, name)?).ok_or_else(Error::not_found)
    }

    /// Returns a step of the path as it was written, decoded.
    ///
    /// # Errors
    /// Not found, when the route has no such step.
    pub fn step(&self, name: &str) -> Result<String> {
        path::step(&self.request, name)
    }

    /// Returns the last step of the path as the name and the extension of a file, decoded.
    ///
    /// # Errors
    /// Not found, when it has none.
    pub fn file(&self) -> Result<(String, String)> {
        path::file(&self.request)
    }

    /// Returns the query parameters.
    ///
    /// # Errors
    /// A 400 with all that is wrong with them.
    pub fn query<T: Deserr<Faults>>(&self) -> Result<T> {
        query::parse(self.query_text())
    }

    /// Refuses every query parameter.
    ///
    /// # Errors
    /// A 400 when there is one.
    pub fn no_query(&self) -> Result<()> {
        self.query::<NoParameters>().map(drop)
    }

    /// Returns the query as it was written.
    pub fn query_text(&self) -> &str {
        self.request.uri().query().unwrap_or_default()
    }

    /// Returns the path as it was written.
    pub fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// Returns the address that was asked, the same for equal requests.
    pub fn address(&self) -> Address {
        Address::of(self.path(), self.query_text())
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns the request itself.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Returns whether the request asks for something that it can do without (`Prefer`, RFC 7240).
    pub fn prefers(&self, preference: &str) -> bool {
        let values = self.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
        let mut names = values.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or_default());
        names.any(|name| name.trim().eq_ignore_ascii_case(preference))
    }

    /// Returns the revisions that the write says it is based on.
    ///
    /// # Errors
    /// `precondition_required` when it says nothing.
    pub fn basis(&self) -> Result<Basis> {
        etag::if_match(self.headers())
    }

    /// Reads the body into a typed input.
    ///
    /// # Errors
    /// 400, 413, 415 or 422, with every fault.
    pub async fn body<T: Deserr<Faults>>(&mut self) -> Result<T> {
        let value = self.json(&["application/json"]).await?;
        read(value, Code::InvalidInput)
    }

    /// Reads the body of a verb that needs none: an object, or nothing at all.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub async fn body_or_default<T: Deserr<Faults> + Default>(&mut self) -> Result<T> {
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return Ok(T::default());
        }
        intake::check_media_type(self.headers(), &["application/json"])?;
        read(intake::parse(&bytes)?, Code::InvalidInput)
    }

    /// Reads the body as a merge patch.
    ///
    /// # Errors
    /// 400, 413, 415, or 422 when it is not an object.
    pub async fn patch(&mut self) -> Result<Value> {
        let value = self.json(&["application/merge-patch+json", "application/json"]).await?;
        if value.is_object() {
            return Ok(value);
        }
        Err(Error::invalid("", "wrong_type", "A merge patch of a resource must be an object."))
    }

    /// Reads the body of a verb without input: an empty object, or nothing at all.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub async fn no_input(&mut self) -> Result<()> {
        self.body_or_default::<super::view::NoInput>().await.map(drop)
    }

    /// Makes something of the body that was read: at once when it is short, and else [`aside`](Call::aside).
    ///
    /// # Errors
    /// When the work panics.
    pub async fn make_of_body<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if self.body_bytes > SHORT_BODY {
            return self.aside(work).await;
        }
        catch_unwind(AssertUnwindSafe(work))
            .map_err(|_| Error::internal("the work on a body panicked, as logged above"))
    }

    /// Does work that takes a while on a thread of its own, so that no other request waits for it.
    ///
    /// # Errors
    /// When the work panics.
    pub async fn aside<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let _span = traces::child(|| format!("compute {}", function_of::<F>()).into(), SpanKind::Internal);
        let room = self.room.clone();
        let work = move || {
            let _room = room;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }

    /// Does the work of a write in one transaction and answers with what it returns.
    ///
    /// A `POST` with an `Idempotency-Key` does it once; the answer is kept in the same transaction and replayed.
    ///
    /// # Errors
    /// Those of the work, and of the idempotency key.
    pub async fn write<F>(&self, caller: &Caller, work: F) -> Result<HttpResponse>
    where
        F: Fn(&mut Tx<'_>) -> Result<Reply> + Send + 'static,
    {
        // The work goes on when the client is gone.
        let room = self.room.clone();
        let work = move |tx: &mut Tx<'_>| {
            let _room = &room;
            work(tx)
        };
        let reply = match idempotency::Request::of(&self.request, caller.user_id, &self.body_digest)? {
            None => self.state.db.write(work).await,
            Some(once) => idempotency::run(&self.state, once, work).await,
        };
        match reply {
            Err(error) if error.new_slug().is_some() => Ok(self.redirect(308, error.new_slug().unwrap_or_default())),
            reply => reply.map(Reply::into_response),
        }
    }

    /// Does the work of a write whose answer has a secret: it is never kept, so an `Idempotency-Key` has no effect.
    ///
    /// # Errors
    /// Those of the work, and of a malformed idempotency key.
    pub async fn write_secret<F>(&self, caller: &Caller, work: F) -> Result<HttpResponse>
    where
        F: Fn(&mut Tx<'_>) -> Result<Reply> + Send + 'static,
    {
        idempotency::Request::of(&self.request, caller.user_id, &self.body_digest)?;
        match self.state.db.write(work).await {
            Err(error) if error.new_slug().is_some() => Ok(self.redirect(308, error.new_slug().unwrap_or_default())),
            reply => reply.map(Reply::into_response),
        }
    }

    /// Reads what readers see and answers with it; what was renamed is a redirect.
    ///
    /// What the work shows must depend on the address and on the reader's policy alone. For readers without an account it
    /// may be done at a replica of the database.
    ///
    /// # Errors
    /// Those of the work; `unauthenticated` when there is nothing that the reader may see.
    pub async fn read_live<F>(&self, reader: &Reader, work: F) -> Result<HttpResponse>
    where
        F: Fn(&mut Conn) -> Result<Live> + Send + Sync + 'static,
    {
        let (db, has_account) = (self.state.db.clone(), reader.caller.is_some());
        let read = async move { db.read_shown(has_account, work).await };
        self.answer_live(reader, read).await
    }

    /// As [`Call::read_live`], for what takes several reads; they are to begin when it is polled, and not before.
    ///
    /// # Errors
    /// As [`Call::read_live`].
    pub async fn answer_live(
        &self,
        reader: &Reader,
        read: impl Future<Output = Result<Live>> + Send + 'static,
    ) -> Result<HttpResponse> {
        let delivery = &self.state.delivery;
        let policy = reader.policy()?;
        let address = match &reader.key {
            Some(key) => self.address().under(&key.fingerprint),
            None => self.address(),
        };
        // Whoever has a login may have written a moment ago, perhaps through another server, so is told what is there now.
        let has_login = reader.caller.is_some() && reader.key.is_none();
        let live = if has_login || !policy.is_keepable() {
            read.await.map(|live| Arc::new(live.finish()))
        } else {
            let meter = self.state.metrics.meter("GET", self.request.match_pattern().as_deref());
            delivery.fetch(address.clone(), meter, read).await
        };
        match live {
            Err(error) if error.new_slug().is_some() => Ok(self.redirect(301, error.new_slug().unwrap_or_default())),
            Err(error) => Err(error),
            Ok(live) if has_login => Ok(delivery.answer_caller(&live, self.headers())),
            Ok(live) if reader.key.is_some() => Ok(delivery.answer_partner(&live, &address, self.headers()).await),
            Ok(live) => Ok(delivery.answer(&live, &address, self.headers()).await),
        }
    }

    /// Reads a working view and answers with it; what was renamed is a redirect.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn read_working<F>(&self, work: F) -> Result<HttpResponse>
    where
        F: Fn(&mut Conn) -> Result<Reply> + Send + 'static,
    {
        match self.state.db.read_content(work).await {
            Err(error) if error.new_slug().is_some() => Ok(self.redirect(301, error.new_slug().unwrap_or_default())),
            reply => reply.map(Reply::into_response),
        }
    }

    /// Redirects to the same address with another slug in it.
    fn redirect(&self, status: u16, slug: &str) -> HttpResponse {
        let pattern = self.request.match_pattern().unwrap_or_default();
        let steps = self.path().split('/').zip(pattern.split('/'));
        let mut is_replaced = false;
        let steps: Vec<String> = steps
            .map(|(step, place)| {
                if place.starts_with('{') && !is_replaced {
                    is_replaced = true;
                    // A slug has no dot; what comes after one is the extension of a file.
                    let extension = step.rfind('.').filter(|_| place.contains("}.")).and_then(|at| step.get(at..));
                    return path::encode_step(slug) + extension.unwrap_or_default();
                }
                step.to_owned()
            })
            .collect();
        let query = self.request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        Reply::moved(status, &format!("{}{query}", steps.join("/"))).into_response()
    }

    async fn json(&mut self, accepted: &[&str]) -> Result<Value> {
        intake::check_media_type(self.headers(), accepted)?;
        let bytes = self.bytes().await?;
        intake::parse(&bytes)
    }

    /// Receives the whole body, and waits until there is room to work on it.
    async fn bytes(&mut self) -> Result<Vec<u8>> {
        let limit = self.longest_body.get();
        let (bytes, room) = self.state.intake.receive(&mut self.payload, self.request.headers(), limit).await?;
        (self.room, self.body_bytes) = (Some(room), bytes.len());
        if self.headers().contains_key("idempotency-key") {
            self.body_digest = crate::secrets::sha256_hex(&bytes);
        }
        Ok(bytes)
    }
}

#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
struct NoParameters {}
