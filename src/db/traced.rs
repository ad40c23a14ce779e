//! The spans of work on the database: one for each time that one of the doors is used, from asking for a connection to the
//! answer, on whatever thread the work is done meanwhile.

use opentelemetry::trace::SpanKind;

use super::Db;
use crate::{
    error::{Code, Result},
    traces::{self, function_of},
};

impl Db {
    /// Does some work of kind `F`, with a span if somebody will read it.
    pub(super) async fn traced<F, T>(&self, door: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let name = || format!("{door} {}", function_of::<F>()).into();
        let Some(mut span) = traces::child(name, SpanKind::Client) else { return work.await };
        span.set("db.system.name", if self.location.is_sqlite() { "sqlite" } else { "postgresql" });
        span.set("db.operation.name", door);
        let result = work.await;
        // Whatever else the work says, such as that there is nothing, is an answer.
        if let Err(error) = &result
            && matches!(error.code(), Code::Internal | Code::Unavailable | Code::StorageFull)
        {
            span.fail(error.code().name());
        }
        result
    }
}
