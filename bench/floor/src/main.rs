//! The floor: a bare actix-web server that answers what another server answered, from memory.
//!
//! `frontpage-floor ADDRESS FILE`: each line of the file is one answer as JSON, with `path` (and query), `headers` (a list
//! of pairs) and `body`. A request whose `If-None-Match` is the answer's ETag gets a 304 with the same headers.

use std::{collections::HashMap, error::Error, io::BufRead};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::header::{self, HeaderName, HeaderValue},
    web,
};
use bytes::Bytes;
use serde_json::Value;

/// One answer.
struct Answer {
    headers: Vec<(HeaderName, HeaderValue)>,
    etag: Option<HeaderValue>,
    body: Bytes,
}

type Answers = HashMap<String, Answer>;

async fn answer(request: HttpRequest, answers: web::Data<Answers>) -> HttpResponse {
    let uri = request.uri();
    let address = uri.path_and_query().map_or(uri.path(), |address| address.as_str());
    let Some(answer) = answers.get(address) else { return HttpResponse::NotFound().finish() };
    let asked = request.headers().get(header::IF_NONE_MATCH);
    let is_known = asked.is_some() && asked == answer.etag.as_ref();
    let mut builder = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    for (name, value) in &answer.headers {
        if !is_known || name != header::CONTENT_TYPE {
            builder.insert_header((name.clone(), value.clone()));
        }
    }
    if is_known { builder.finish() } else { builder.body(answer.body.clone()) }
}

fn read(line: &str) -> Result<(String, Answer), Box<dyn Error>> {
    let value: Value = serde_json::from_str(line)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("not a text");
    let mut headers = Vec::new();
    for pair in value["headers"].as_array().ok_or("no headers")? {
        let (name, content) = (text(&pair[0])?, text(&pair[1])?);
        headers.push((HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(&content)?));
    }
    let etag = headers.iter().find(|(name, _)| name == header::ETAG).map(|(_, value)| value.clone());
    Ok((text(&value["path"])?, Answer { headers, etag, body: Bytes::from(text(&value["body"])?) }))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, file] = arguments.as_slice() else { return Err("usage: frontpage-floor ADDRESS FILE".into()) };
    let mut answers = Answers::new();
    for line in std::io::BufReader::new(std::fs::File::open(file)?).lines() {
        let (path, answer) = read(&line?)?;
        answers.insert(path, answer);
    }
    let answers = web::Data::new(answers);
    let app = move || App::new().app_data(answers.clone()).default_service(web::to(answer));
    HttpServer::new(app).workers(1).bind(address)?.run().await?;
    Ok(())
}
