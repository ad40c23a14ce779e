//! Access tokens from outside: forged, altered, borrowed and outdated ones (S24–S29), keys that roll over (S35), and no
//! token in an address (S36).

use std::{io::ErrorKind, net::TcpListener, path::PathBuf, time::Instant};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL},
};
use chrono::{TimeDelta, Utc};
use frontpage::auth::{
    keys::{Create, KeyRing},
    token::TokenRules,
};
use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, both};

/// The first bytes of an Ed25519 public key in DER (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Somebody who has got hold of the signing key, so that only what a token says can be wrong.
struct Forger {
    key: Ed25519KeyPair,
    header: Value,
    claims: Value,
    token: String,
    app_base: String,
}

fn keys(app: &App) -> PathBuf {
    app.database.directory().join("keys")
}

/// The only key.
fn key_file(app: &App) -> PathBuf {
    let mut files = std::fs::read_dir(keys(app)).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "pem")).unwrap()
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64URL.decode(part).unwrap()).unwrap()
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

fn encoded(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}

impl Forger {
    fn new(app: &App) -> Self {
        let token = app.author().token.unwrap();
        let [header, claims, _] = parts(&token);
        let pem = std::fs::read_to_string(key_file(app)).unwrap();
        let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = Ed25519KeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
        Self { key, header: decoded(header), claims: decoded(claims), token: token.clone(), app_base: app.base.clone() }
    }

    /// Signs a header and claims with the server's own key.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.key.sign(text.as_bytes());
        format!("{text}.{}", BASE64URL.encode(signature.as_ref()))
    }

    /// A token with other members in its header; `null` removes one.
    fn with_header(&self, changes: Value) -> String {
        self.signed(&changed(&self.header, changes), &self.claims)
    }

    /// A token with other claims; `null` removes one.
    fn with_claims(&self, changes: Value) -> String {
        self.signed(&self.header, &changed(&self.claims, changes))
    }

    fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    fn client(&self, token: &str) -> Client {
        Client::new(&self.app_base, Some(token.to_owned()))
    }

    #[track_caller]
    fn refused(&self, token: &str, what: &str) {
        // A live view too: a token that is sent must be valid.
        for path in ["/v1/auth/me", "/v1/articles"] {
            let answer = self.client(token).get(path);
            assert_eq!(answer.status, 401, "{what} at {path}: {}", answer.text());
            assert_eq!(answer.problem(), "unauthenticated", "{what}");
            let shown = answer.header("www-authenticate").unwrap().to_owned() + &answer.text();
            assert!(
                !shown.contains("kid") && !shown.contains("alg ") && !shown.contains("signature"),
                "{what}: {shown}"
            );
        }
    }

    #[track_caller]
    fn accepted(&self, token: &str) {
        self.client(token).get("/v1/auth/me").expect(200);
    }
}

fn changed(object: &Value, changes: Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
            value => object[name] = value.clone(),
        }
    }
    object
}

fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    format!("{text}.{}", BASE64URL.encode(tag.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Puts another private key into a directory of keys; returns its file.
fn add_key(app: &App, name: &str) -> PathBuf {
    let der = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    let path = keys(app).join(name);
    std::fs::write(&path, pem("PRIVATE KEY", der.as_ref())).unwrap();
    path
}

fn kid(token: &str) -> String {
    decoded(parts(token)[0])["kid"].as_str().unwrap().to_owned()
}

fn kids(app: &App) -> Vec<String> {
    let set = app.anonymous().get("/.well-known/jwks.json").expect(200).json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn new_token(app: &App) -> String {
    app.login("author@newsroom.test", PASSWORD).expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

both! {
    fn a_token_of_the_server_s_own_key_is_taken(app) {
        let forger = Forger::new(app);

        forger.accepted(&forger.signed(&forger.header, &forger.claims));
        forger.accepted(&forger.with_claims(json!({ "jti": uuid::Uuid::now_v7() })));
        let ring = KeyRing::open(&keys(app), Create::Never).unwrap();
        let rules = TokenRules::new("frontpage", "frontpage", TimeDelta::minutes(15)).unwrap();
        let [user, session] = ["sub", "sid"].map(|name| forger.claims[name].as_str().unwrap().parse().unwrap());
        forger.accepted(&rules.sign(&ring, &rules.claims(user, session, Utc::now())).unwrap());
    }

    fn no_algorithm_is_none(app) {
        let forger = Forger::new(app);
        let [_, claims, signature] = parts(&forger.token);

        for alg in ["none", "None", "NONE", "nOnE", "", "eddsa", "EDDSA", "EdDSA ", "HS256", "RS256", "ES256", "Ed25519"] {
            let header = encoded(&changed(&forger.header, json!({ "alg": alg })));
            for token in [
                format!("{header}.{claims}"),
                format!("{header}.{claims}."),
                format!("{header}.{claims}.{signature}"),
                forger.with_header(json!({ "alg": alg })),
            ] {
                forger.refused(&token, &format!("alg {alg}"));
            }
        }
        forger.refused(&forger.with_header(json!({ "alg": null })), "no alg");
    }

    fn the_public_key_is_no_secret(app) {
        let forger = Forger::new(app);
        let der = [&SPKI_PREFIX, forger.public_key()].concat();
        let text = pem("PUBLIC KEY", &der);
        let x = BASE64URL.encode(forger.public_key());
        let set = app.anonymous().get("/.well-known/jwks.json").expect(200);

        let secrets: [&[u8]; 11] = [
            &der, text.as_bytes(), text.trim_end().as_bytes(), forger.public_key(), x.as_bytes(), &set.bytes,
            forger.header["kid"].as_str().unwrap().as_bytes(), b"", b"secret", b"changeme", b"frontpage",
        ];
        for secret in secrets {
            for alg in ["HS256", "EdDSA"] {
                let header = changed(&forger.header, json!({ "alg": alg }));
                forger.refused(&hs256(secret, &header, &forger.claims), alg);
            }
        }
    }

    fn nothing_in_a_header_chooses_the_key(app) {
        let forger = Forger::new(app);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let own = Ed25519KeyPair::generate().unwrap();
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL.encode(own.public_key().as_ref()) });
        let certificate = json!([STANDARD.encode([&SPKI_PREFIX, own.public_key().as_ref()].concat())]);

        for change in [
            json!({ "jwk": jwk }), json!({ "jku": url }), json!({ "x5u": url }), json!({ "x5c": certificate }),
            json!({ "crit": ["exp"] }), json!({ "b64": false }), json!({ "cty": "JWT" }), json!({ "zip": "DEF" }),
        ] {
            // Even when the server's own key has signed it.
            forger.refused(&forger.with_header(change.clone()), &change.to_string());
            let text = format!("{}.{}", encoded(&changed(&forger.header, change.clone())), encoded(&forger.claims));
            let forged = format!("{text}.{}", BASE64URL.encode(own.sign(text.as_bytes()).as_ref()));
            forger.refused(&forged, &change.to_string());
        }
        for kid in [
            json!("../../dev/null"), json!("/dev/null"), json!("' or 1=1--"), json!(url), json!("k".repeat(10_000)), json!(""),
            json!("A".repeat(43)), json!(null), json!(7), json!(["a"]), json!({}), json!("\0"), json!(format!("{}\n", "A".repeat(42))),
        ] {
            forger.refused(&forger.with_header(json!({ "kid": kid })), &kid.to_string());
        }
        for typ in [json!("JWT"), json!("AT+JWT"), json!("application/at+jwt"), json!("rt+jwt"), json!(null), json!(["at+jwt"])] {
            forger.refused(&forger.with_header(json!({ "typ": typ })), &typ.to_string());
        }
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "the server fetched a key");
    }

    fn every_claim_counts(app) {
        let forger = Forger::new(app);
        let now = Utc::now().timestamp();

        for claim in ["iss", "aud", "sub", "sid", "iat", "exp", "jti"] {
            forger.refused(&forger.with_claims(json!({ claim: null })), &format!("no {claim}"));
            for wrong in [json!({}), json!([]), json!(true), json!(""), json!("x"), json!([forger.claims[claim]])] {
                forger.refused(&forger.with_claims(json!({ claim: wrong })), &format!("{claim} {wrong}"));
            }
        }
        for (what, claims) in [
            ("expired", json!({ "iat": now - 900, "exp": now - 61 })),
            ("expired long ago", json!({ "iat": 0, "exp": 900 })),
            ("not yet valid", json!({ "nbf": now + 300 })),
            ("issued tomorrow", json!({ "iat": now + 86_400, "exp": now + 86_400 + 900 })),
            ("for a day", json!({ "iat": now, "exp": now + 86_400 })),
            ("for ever", json!({ "exp": i64::MAX })),
            ("backwards", json!({ "iat": now, "exp": now - 1 })),
            ("with a huge time", json!({ "exp": 1e300 })),
            ("with a text for a time", json!({ "exp": (now + 60).to_string() })),
            ("from elsewhere", json!({ "iss": "https://evil.test" })),
            ("for elsewhere", json!({ "aud": "https://evil.test" })),
            ("for many", json!({ "aud": ["frontpage", "https://evil.test"] })),
            ("in capitals", json!({ "iss": "Frontpage" })),
            ("of another session", json!({ "sid": uuid::Uuid::now_v7() })),
            ("of another user", json!({ "sub": uuid::Uuid::now_v7() })),
        ] {
            forger.refused(&forger.with_claims(claims), what);
        }
        // Somebody else's session, or one's own session as somebody else.
        let editor = decoded(parts(&app.editor().token.unwrap())[1]);
        forger.refused(&forger.with_claims(json!({ "sub": editor["sub"] })), "the editor with the author's session");
        forger.refused(&forger.with_claims(json!({ "sid": editor["sid"] })), "the author with the editor's session");
        // A role in a token is nothing that the server reads.
        let answer = forger.client(&forger.with_claims(json!({ "role": "admin" }))).get("/v1/users");
        assert!(matches!(answer.status, 401 | 403), "{}", answer.status);
    }

    fn a_token_is_taken_in_one_form_only(app) {
        let forger = Forger::new(app);
        let [header, claims, signature] = parts(&forger.token);
        let bytes = BASE64URL.decode(signature).unwrap();

        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            let token = format!("{header}.{claims}.{}", BASE64URL.encode(flipped));
            assert_eq!(forger.client(&token).get("/v1/auth/me").status, 401, "byte {place}");
        }
        // The last letter has spare bits: all but one of its spellings are refused.
        let (rest, last) = signature.split_at(signature.len() - 1);
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|c| !last.contains(*c)) {
            let token = format!("{header}.{claims}.{rest}{other}");
            assert_eq!(forger.client(&token).get("/v1/auth/me").status, 401, "{other}");
        }
        for token in [
            format!("{header}.{claims}.{rest}"), format!("{header}.{claims}.{signature}="), format!("{header}=.{claims}.{signature}"),
            format!("{header}.{claims}.{signature}A"), format!("{header}.{claims}"), format!("{header}.{claims}."),
            format!(" {header}.{claims}.{signature}"), format!("{header} .{claims}.{signature}"), format!("{header}.{claims}. {signature}"),
            format!("{header}.{claims}.{signature}.{signature}"), format!("{header}..{signature}"), format!(".{claims}.{signature}"),
            format!("{claims}.{header}.{signature}"), format!("\"{}\"", forger.token), format!("{0},{0}", forger.token),
            format!("{0} {0}", forger.token), "x".repeat(20_000), ".".to_owned(), "..".to_owned(),
        ] {
            forger.refused(&token, &token);
        }
        let unsigned: Value = changed(&forger.claims, json!({ "sub": uuid::Uuid::now_v7() }));
        forger.refused(&format!("{header}.{}.{signature}", encoded(&unsigned)), "other claims under an old signature");
    }

    fn the_authorization_header_is_one_and_of_the_bearer_scheme(app) {
        let token = app.author().token.unwrap();
        let sent = |values: &[String]| {
            let anonymous = app.anonymous();
            let request = values.iter().fold(anonymous.request("GET", "/v1/auth/me"), |request, value| request.header("authorization", value));
            request.send().status
        };

        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            assert_eq!(sent(&[format!("{scheme} {token}")]), 200, "{scheme}");
        }
        for value in [
            token.clone(), format!("Basic {token}"), format!("Token {token}"), format!("Bearer:{token}"), format!("Bearer\t{token}"),
            "Bearer".to_owned(), "Bearer ".to_owned(), String::new(), format!("Bearer, Bearer {token}"),
        ] {
            assert_eq!(sent(std::slice::from_ref(&value)), 401, "{value}");
        }
        let good = format!("Bearer {token}");
        for pair in [[good.clone(), good.clone()], [good.clone(), "Bearer x".to_owned()], ["Basic eDp5".to_owned(), good]] {
            assert!(matches!(sent(&pair), 400 | 401));
        }
        // Nowhere else is a token looked for.
        app.anonymous().request("GET", "/v1/auth/me").header("cookie", &format!("access_token={token}")).send().expect(401);
        app.anonymous().request("GET", "/v1/auth/me").header("x-access-token", &token).send().expect(401);
        let answer = app.anonymous().get(&format!("/v1/auth/me?access_token={token}"));
        assert!(matches!(answer.status, 400 | 401) && !answer.text().contains(&token));
        app.author().get(&format!("/v1/auth/me?access_token={token}")).expect(400);
    }

    fn a_token_for_one_purpose_is_none_for_another(app) {
        let tokens = app.login("author@newsroom.test", PASSWORD).expect(200).json();
        let [access, refresh] = ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned());
        let user = app.author().get("/v1/auth/me").expect(200).json()["id"].as_str().unwrap().to_owned();
        let started = app.admin().post(&format!("/v1/users/{user}/password-reset"), json!({})).expect(200).json();
        let reset = started["token"].as_str().unwrap();
        let forger = Forger::new(app);

        forger.refused(&refresh, "a refresh token");
        forger.refused(reset, "a reset token");
        for token in [access.as_str(), reset, &reset.replace("fpp_", "fpr_"), &refresh.replace("fpr_", ""), "", &refresh.to_uppercase()] {
            app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": token })).expect(401);
        }
        for token in [access.as_str(), &refresh, &refresh.replace("fpr_", "fpp_"), &reset.replace("fpp_", ""), ""] {
            let body = json!({ "token": token, "new_password": "green kettle on the roof" });
            assert_eq!(app.anonymous().post("/v1/auth/password-reset", body).expect(422).pointers(), ["/token"]);
        }
        // None of this has used any of them up.
        app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": refresh })).expect(200);
        app.anonymous().post("/v1/auth/password-reset", json!({ "token": reset, "new_password": "green kettle on the roof" })).expect(204);
    }

    fn the_key_set_has_public_keys_only(app) {
        let token = new_token(app);
        let answer = app.anonymous().get("/.well-known/jwks.json").expect(200);

        let set = answer.json();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 1);
        let mut members: Vec<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
        assert_eq!([&keys[0]["alg"], &keys[0]["crv"], &keys[0]["kty"], &keys[0]["use"]], ["EdDSA", "Ed25519", "OKP", "sig"]);
        assert_eq!(keys[0]["kid"], kid(&token).as_str());
        assert_eq!(BASE64URL.decode(keys[0]["x"].as_str().unwrap()).unwrap(), Forger::new(app).public_key());
        assert!(answer.header("cache-control").unwrap().contains("public"));
    }

    fn keys_roll_over_and_nobody_is_logged_out(app) {
        let old = new_token(app);
        add_key(app, "9999-later.pem");
        let next = App::start_on(app.database.clone(), &[]);

        // A server that starts signs with the new key and still takes what the old one signed.
        let new = new_token(&next);
        assert_ne!(kid(&new), kid(&old));
        next.anonymous().with_token(&old).get("/v1/auth/me").expect(200);
        assert_eq!(kids(&next), [kid(&new), kid(&old)]);
        // A server that runs finds the key when it sees a token of it, within a second or so.
        let started = Instant::now();
        while app.anonymous().with_token(&new).get("/v1/auth/me").status != 200 {
            assert!(started.elapsed().as_secs() < 30, "the running server does not find the new key");
        }
        assert_eq!(kids(app), kids(&next));
        assert_eq!(kid(&new_token(app)), kid(&new));
        for token in [&old, &new] {
            app.anonymous().with_token(token).get("/v1/auth/me").expect(200);
        }
    }

    fn a_key_of_an_earlier_name_verifies_and_does_not_sign(app) {
        let old = new_token(app);
        add_key(app, "0000-earlier.pem");
        let next = App::start_on(app.database.clone(), &[]);

        assert_eq!(kid(&new_token(&next)), kid(&old));
        assert_eq!(kids(&next).len(), 2);
    }

    fn a_key_that_is_gone_is_unknown(app) {
        let file = key_file(app);
        let old = new_token(app);
        add_key(app, "9999-later.pem");
        std::fs::remove_file(file).unwrap();
        let next = App::start_on(app.database.clone(), &[]);

        next.anonymous().with_token(&old).get("/v1/auth/me").expect(401);
        assert!(!kids(&next).contains(&kid(&old)));
    }

    fn no_answer_puts_a_token_into_an_address_or_a_cookie(app) {
        let login = app.login("author@newsroom.test", PASSWORD).expect(200);
        let refresh = login.json()["refresh_token"].clone();
        let refreshed = app.anonymous().post("/v1/auth/refresh", json!({ "refresh_token": refresh })).expect(200);
        let user = app.author().get("/v1/auth/me").expect(200);
        let path = format!("/v1/users/{}/password-reset", user.json()["id"].as_str().unwrap());
        let reset = app.admin().post(&path, json!({})).expect(200);
        let input = json!({ "email": "next@newsroom.test", "name": "Next", "role": "author", "password": PASSWORD });
        let created = app.admin().post("/v1/users", input).expect(201);
        let token = reset.json()["token"].clone();
        let done = app.anonymous().post("/v1/auth/password-reset", json!({ "token": token, "new_password": "green kettle on the roof" })).expect(204);

        for answer in [&login, &refreshed, &user, &reset, &done] {
            assert_eq!(answer.header("location"), None);
            assert_eq!(answer.header("set-cookie"), None);
        }
        for answer in [&login, &refreshed, &user, &reset, &created] {
            assert!(answer.header("cache-control").unwrap().contains("no-store"));
            assert!(answer.headers.values().all(|value| !value.contains("fpr_") && !value.contains("fpp_") && !value.contains("eyJ")));
        }
        assert_eq!(created.header("location").unwrap(), format!("/v1/users/{}", created.json()["id"].as_str().unwrap()));
    }
}
