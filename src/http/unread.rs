//! The rest of a body that nobody reads.
//!
//! When the body of a request has a length, the framework ends the connection after an answer that came before all of it was
//! read. A body without one it goes on reading instead, for as long as the client likes. It tells by whether somebody could
//! still read: so somebody can, until the answer has been sent.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_http::{BoxedPayloadStream, Payload, Request, Response};
use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    error::PayloadError,
};
use bytes::Bytes;
use futures_util::Stream;

/// What is left of a body; it can be read from here, and from the request.
#[derive(Clone)]
pub struct Rest(Rc<RefCell<Payload>>);

impl Rest {
    /// Takes hold of the body of a request, and returns the request with it.
    pub fn of(mut request: Request) -> (Request, Self) {
        let rest = Self(Rc::new(RefCell::new(request.take_payload())));
        let stream: BoxedPayloadStream = Box::pin(rest.clone());
        (request.replace_payload(Payload::Stream { payload: stream }).0, rest)
    }

    /// Lets go of it when an answer has been sent.
    pub fn until_sent(self, response: Response<BoxBody>) -> Response<BoxBody> {
        response.map_body(|_, body| BoxBody::new(Answer { body, _rest: self }))
    }
}

impl Stream for Rest {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

/// The body of an answer, with the rest of what was asked.
struct Answer {
    body: BoxBody,
    _rest: Rest,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
