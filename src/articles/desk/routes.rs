//! The endpoints of the desk; its list is `GET /v1/articles?view=working`.

use actix_web::HttpResponse;

use crate::{
    articles::{
        desk::{self, ArticleCounts},
        params::CountParams,
    },
    auth::rights::Operation,
    http::{call::Call, problem::Refusal, reply::Reply, routing::endpoints},
};

endpoints! {
    "/v1/desk/counts" { get count_articles }
}

/// Count the articles of the desk
///
/// How many articles the desk's list, `GET /v1/articles?view=working`, has in each state, with the same filters.
#[utoipa::path(get, path = "/v1/desk/counts", operation_id = "countArticles", tag = "articles", params(CountParams),
    responses((status = 200, description = "The numbers.", body = ArticleCounts)))]
async fn count_articles(call: Call) -> Result<HttpResponse, Refusal> {
    let caller = call.caller(Operation::CountArticles).await?;
    let params: CountParams = call.query()?;
    Ok(call
        .read_working(move |conn| {
            let filter = params.clone().desk().filter(conn, &caller)?;
            Reply::json(200, &desk::counts(conn, &filter)?)
        })
        .await?)
}
