//! Clients: somebody with or without a token, who speaks HTTP to a server and checks every answer.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;

use super::contract::{self, Seen};

/// How long a client waits for an answer unless a test says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub token: Option<String>,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub bytes: Vec<u8>,
}

/// A request that is being put together.
pub struct Request<'c> {
    client: &'c Client,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    patience: Option<Duration>,
}

impl Client {
    pub fn new(base: &str, token: Option<String>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .max_idle_connections_per_host(64)
            .build()
            .new_agent();
        Self { base: base.to_owned(), token, agent }
    }

    /// The same server, another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same server, no token.
    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub fn request(&self, method: &'static str, path: &str) -> Request<'_> {
        let mut headers = Vec::new();
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        Request { client: self, method, path: path.to_owned(), headers, body: None, patience: None }
    }

    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path).send()
    }

    pub fn post(&self, path: &str, body: Value) -> Response {
        self.request("POST", path).json(&body).send()
    }

    /// A verb on something that exists.
    pub fn verb(&self, path: &str, etag: &str) -> Response {
        self.request("POST", path).header("if-match", etag).json(&serde_json::json!({})).send()
    }

    pub fn patch(&self, path: &str, etag: &str, body: Value) -> Response {
        self.request("PATCH", path).header("if-match", etag).json(&body).send()
    }

    pub fn delete(&self, path: &str, etag: &str) -> Response {
        self.request("DELETE", path).header("if-match", etag).send()
    }
}

impl Request<'_> {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into_bytes())
    }

    #[must_use]
    pub fn body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header("content-type", content_type)
    }

    /// Gives up waiting for the answer after a while.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    pub fn send(self) -> Response {
        let (method, path) = (self.method, self.path.clone());
        let response = self.send_unchecked();
        contract::check(&Seen {
            method,
            path: &path,
            status: response.status,
            header: &|name| response.headers.get(&name.to_lowercase()).cloned(),
            body: &response.bytes,
        });
        response
    }

    /// Sends the request and leaves the answer to the test.
    pub fn send_unchecked(self) -> Response {
        self.try_send().expect("the server answers")
    }

    /// Sends the request to a server that may be gone.
    pub fn try_send(self) -> Result<Response, ureq::Error> {
        let uri = format!("{}{}", self.client.base, self.path);
        let mut builder = ureq::http::Request::builder().method(self.method).uri(uri);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let agent = &self.client.agent;
        let patience = self.patience.unwrap_or(PATIENCE);
        let answer = match self.body {
            Some(body) => {
                let request = builder.body(body).expect("the request is well-formed");
                agent.run(agent.configure_request(request).timeout_global(Some(patience)).build())?
            }
            None => {
                let request = builder.body(()).expect("the request is well-formed");
                agent.run(agent.configure_request(request).timeout_global(Some(patience)).build())?
            }
        };
        let status = answer.status().as_u16();
        let mut headers: HashMap<String, String> = HashMap::new();
        for (name, value) in answer.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.entry(name.as_str().to_owned()).and_modify(|old| *old = format!("{old}, {value}")).or_insert(value);
        }
        let bytes = answer.into_body().with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        Ok(Response { status, headers, bytes })
    }
}

impl Response {
    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").expect("the answer has an ETag").to_owned()
    }

    /// The pointers of a problem's faults.
    #[track_caller]
    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let faults = problem["errors"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The last step of a problem's type.
    #[track_caller]
    pub fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
    }
}
