use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::auth::keys::{Create, Reload};
use crate::auth::pem::fixtures::{PRIVATE_A, PRIVATE_B, PUBLIC_A};
use crate::auth::secret::{RefreshToken, ResetToken};

const ISSUER: &str = "https://www.example.org";
const AUDIENCE: &str = "frontpage";
const NOW: i64 = 1_800_000_000;

/// A server's side of it, and a forger who has whatever key the test gives them.
struct Bench {
    directory: TempDir,
    ring: KeyRing,
    rules: TokenRules,
}

impl Bench {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("1.pem"), PRIVATE_A).unwrap();
        let ring = KeyRing::open(directory.path(), Create::Never).unwrap();
        Self { directory, ring, rules: rules(ISSUER, AUDIENCE) }
    }

    fn kid(&self) -> String {
        self.ring.signing_kid()
    }

    fn claims(&self) -> AccessClaims {
        self.rules.claims(Uuid::now_v7(), Uuid::now_v7(), at(NOW))
    }

    fn token(&self) -> String {
        self.rules.sign(&self.ring, &self.claims()).unwrap()
    }

    fn verify(&self, token: &str) -> Result<AccessClaims, TokenError> {
        self.rules.verify(&self.ring, token, at(NOW))
    }

    #[track_caller]
    fn assert_refused(&self, token: &str, refusal: Refusal) {
        assert_eq!(self.verify(token), Err(TokenError::Refused(refusal)), "{token}");
    }

    fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid() })
    }

    /// A token with this header, properly signed with the real key.
    fn with_header(&self, header: &Value) -> String {
        signed(&key(PRIVATE_A), &header.to_string(), &json!(self.claims()).to_string())
    }

    /// A token with one claim replaced, or removed if `value` is null, properly signed with the real key.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = json!(self.claims());
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        signed(&key(PRIVATE_A), &self.header().to_string(), &claims.to_string())
    }
}

fn rules(issuer: &str, audience: &str) -> TokenRules {
    TokenRules::new(issuer, audience, MAX_LIFETIME).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().nth(1).unwrap()).unwrap()
}

fn key(pem: &str) -> Ed25519KeyPair {
    Ed25519KeyPair::from_pkcs8(&der(pem)).unwrap()
}

fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn signed(key: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let message = message(header, claims);
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

#[test]
fn a_signed_token_says_what_was_put_in() {
    let bench = Bench::new();
    let claims = bench.claims();

    let token = bench.rules.sign(&bench.ring, &claims).unwrap();

    assert_eq!(bench.verify(&token), Ok(claims.clone()));
    assert_eq!(claims.exp - claims.iat, 900);
    assert_ne!(claims.jti, bench.claims().jti);
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap(), bench.header());
    assert!(token.len() < 600, "{}", token.len());
}

#[test]
fn unsigned_tokens_are_refused_however_none_is_written() {
    let bench = Bench::new();
    for none in ["none", "None", "NONE", "nOnE"] {
        let header = json!({ "alg": none, "typ": "at+jwt", "kid": bench.kid() });
        let message = message(&header.to_string(), &json!(bench.claims()).to_string());

        bench.assert_refused(&message, Refusal::NotThreeParts);
        bench.assert_refused(&format!("{message}."), Refusal::NotThreeParts);
        bench.assert_refused(&format!("{message}.AAAA"), Refusal::Algorithm);
        bench.assert_refused(&bench.with_header(&header), Refusal::Algorithm);
    }
}

#[test]
fn hmac_with_the_public_key_or_a_guessable_secret_is_refused() {
    let bench = Bench::new();
    let x = bench.ring.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    let raw = URL_SAFE_NO_PAD.decode(&x).unwrap();
    let public_der = der(PUBLIC_A);
    let secrets: [&[u8]; 8] =
        [PUBLIC_A.as_bytes(), PUBLIC_A.trim().as_bytes(), &public_der, &raw, x.as_bytes(), b"", b"secret", b"changeme"];
    for secret in secrets {
        for algorithm in ["HS256", "EdDSA"] {
            let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": bench.kid() });
            let message = message(&header.to_string(), &json!(bench.claims()).to_string());
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));

            let refusal = if algorithm == "EdDSA" { Refusal::Signature } else { Refusal::Algorithm };
            bench.assert_refused(&token, refusal);
        }
    }
}

#[test]
fn other_algorithms_are_refused_even_under_a_good_signature() {
    let bench = Bench::new();
    for algorithm in ["HS256", "HS512", "RS256", "PS256", "ES256", "Ed25519", "eddsa", "EDDSA", "EdDSA ", ""] {
        let header = json!({ "alg": algorithm, "typ": "at+jwt", "kid": bench.kid() });
        bench.assert_refused(&bench.with_header(&header), Refusal::Algorithm);
    }
}

#[test]
fn other_types_are_refused() {
    let bench = Bench::new();
    for typ in ["JWT", "jwt", "AT+JWT", "application/at+jwt", "rt+jwt", "at+jwt ", ""] {
        let header = json!({ "alg": "EdDSA", "typ": typ, "kid": bench.kid() });
        bench.assert_refused(&bench.with_header(&header), Refusal::Type);
    }
}

#[test]
fn a_header_that_brings_a_key_or_anything_else_is_refused() {
    let bench = Bench::new();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    for (name, value) in [
        ("jwk", jwk),
        ("jwk", Value::Null),
        ("jku", json!("https://evil.test/jwks.json")),
        ("x5u", json!("https://evil.test/key.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        let mut header = bench.header();
        header[name] = value;
        bench.assert_refused(&bench.with_header(&header), Refusal::Header);
    }
}

#[test]
fn a_header_of_another_form_is_refused() {
    let bench = Bench::new();
    let kid = bench.kid();
    let claims = json!(bench.claims()).to_string();
    for header in [
        r#"{"alg":"EdDSA","typ":"at+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#),
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":null}"#.to_owned(),
        format!(r#"{{"alg":["EdDSA"],"typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}} x"#),
        "[]".to_owned(),
        "null".to_owned(),
        "\u{feff}{}".to_owned(),
    ] {
        bench.assert_refused(&signed(&key(PRIVATE_A), &header, &claims), Refusal::Header);
    }
}

#[test]
fn a_kid_is_looked_up_and_never_followed() {
    let bench = Bench::new();
    let long = "A".repeat(2_000);
    for kid in ["", "../../dev/null", "1.pem", "' or 1=1--", "https://evil.test/jwks.json", "a\0b", &long] {
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid });
        bench.assert_refused(&bench.with_header(&header), Refusal::KidShape);
    }
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "A".repeat(10_240) });
    bench.assert_refused(&bench.with_header(&header), Refusal::TooLong);
}

#[test]
fn an_unknown_kid_is_told_apart_and_is_known_after_a_reload() {
    let bench = Bench::new();
    let other = Bench::new();
    std::fs::write(other.directory.path().join("2.pem"), PRIVATE_B).unwrap();
    assert_eq!(other.ring.reload(), Ok(Reload::Changed));
    let token = other.token();

    assert_eq!(bench.verify(&token), Err(TokenError::UnknownKid(other.kid())));
    std::fs::write(bench.directory.path().join("2.pem"), PRIVATE_B).unwrap();
    assert_eq!(bench.ring.reload(), Ok(Reload::Changed));

    assert!(bench.verify(&token).is_ok());
}

#[test]
fn a_token_outlives_the_roll_over_of_keys_and_the_retirement_of_its_own() {
    let bench = Bench::new();
    let token = bench.token();

    std::fs::write(bench.directory.path().join("2.pem"), PRIVATE_B).unwrap();
    std::fs::write(bench.directory.path().join("1.pem"), PUBLIC_A).unwrap();
    assert_eq!(bench.ring.reload(), Ok(Reload::Changed));

    assert!(bench.verify(&token).is_ok());
    assert!(bench.verify(&bench.token()).is_ok());
}

#[test]
fn a_known_kid_does_not_help_another_key() {
    let bench = Bench::new();
    let token = signed(&key(PRIVATE_B), &bench.header().to_string(), &json!(bench.claims()).to_string());

    bench.assert_refused(&token, Refusal::Signature);
}

#[test]
fn every_byte_of_the_signature_counts() {
    let bench = Bench::new();
    let token = bench.token();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();

    for position in 0..signature.len() {
        for bit in [0x01, 0x80] {
            let mut forged = signature.clone();
            forged[position] ^= bit;
            bench.assert_refused(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(&forged)), Refusal::Signature);
        }
    }
    for length in 1..signature.len() {
        let cut = URL_SAFE_NO_PAD.encode(&signature[..length]);
        bench.assert_refused(&format!("{message}.{cut}"), Refusal::Signature);
    }
}

#[test]
fn a_token_has_exactly_one_text() {
    let bench = Bench::new();
    let token = bench.token();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();

    bench.assert_refused(&format!("{token}="), Refusal::NotThreeParts);
    bench.assert_refused(&format!("{message}.{}", URL_SAFE.encode(bytes)), Refusal::NotThreeParts);
    bench.assert_refused(&format!("{token}A"), Refusal::Signature);
    for outside in [" ", "\t", "\n", "\r\n", "\0", "é", ".", ".A"] {
        bench.assert_refused(&format!("{token}{outside}"), Refusal::NotThreeParts);
        bench.assert_refused(&format!("{outside}{token}"), Refusal::NotThreeParts);
        bench.assert_refused(&token.replacen('.', &format!("{outside}."), 1), Refusal::NotThreeParts);
    }
    // The last of 86 characters has four spare bits. Each of the sixteen ways to set them but one is another text
    // for the same bytes.
    let last = signature.chars().last().unwrap();
    for spare in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|c| *c != last) {
        let other = format!("{}{spare}", token.strip_suffix(last).unwrap());
        bench.assert_refused(&other, Refusal::Signature);
    }
}

#[test]
fn texts_that_are_no_tokens_are_refused() {
    let bench = Bench::new();
    let refresh = RefreshToken::generate().unwrap().reveal();
    let reset = ResetToken::generate().unwrap().reveal();

    for text in ["", ".", "..", "...", "a.b", "a.b.c.d", "Bearer a.b.c", "%61.b.c", &refresh, &reset] {
        bench.assert_refused(text, Refusal::NotThreeParts);
    }
    bench.assert_refused("a.b.c", Refusal::NotThreeParts);
    bench.assert_refused("AAAA.AAAA.AAAA", Refusal::Header);
    assert!(bench.verify(&format!("{refresh}.{refresh}.{refresh}")).is_err());
    bench.assert_refused(&"a".repeat(MAX_TOKEN_BYTES + 1), Refusal::TooLong);
    bench.assert_refused(&"🗞".repeat(1_000), Refusal::NotThreeParts);
}

#[test]
fn every_claim_is_needed_and_of_its_kind() {
    let bench = Bench::new();
    for claim in ["iss", "aud", "sub", "sid", "iat", "exp", "jti"] {
        bench.assert_refused(&bench.with_claim(claim, Value::Null), Refusal::Claims);
        bench.assert_refused(&bench.with_claim(claim, json!({})), Refusal::Claims);
    }
    for claim in ["iat", "exp"] {
        for value in [json!(NOW.to_string()), json!(1.8e9), json!(1e300), json!(u64::MAX), json!(true)] {
            bench.assert_refused(&bench.with_claim(claim, value), Refusal::Claims);
        }
    }
    for claim in ["sub", "sid", "jti"] {
        bench.assert_refused(&bench.with_claim(claim, json!("1")), Refusal::Claims);
    }
    bench.assert_refused(&bench.with_claim("aud", json!([AUDIENCE, "other"])), Refusal::Claims);
    bench.assert_refused(&bench.with_claim("iss", json!([ISSUER])), Refusal::Claims);
    bench.assert_refused(&bench.with_claim("nbf", json!("soon")), Refusal::Claims);
    let twice = json!(bench.claims()).to_string().replacen('{', &format!(r#"{{"exp":{},"#, NOW + 9), 1);
    bench.assert_refused(&signed(&key(PRIVATE_A), &bench.header().to_string(), &twice), Refusal::Claims);
    bench.assert_refused(&signed(&key(PRIVATE_A), &bench.header().to_string(), "[]"), Refusal::Claims);
    bench.assert_refused(&signed(&key(PRIVATE_A), &bench.header().to_string(), "\u{0}"), Refusal::Claims);
}

#[test]
fn a_token_for_or_by_another_is_refused() {
    let bench = Bench::new();
    let elsewhere = |issuer, audience| {
        let rules = rules(issuer, audience);
        rules.sign(&bench.ring, &rules.claims(Uuid::now_v7(), Uuid::now_v7(), at(NOW))).unwrap()
    };

    bench.assert_refused(&elsewhere("https://evil.test", AUDIENCE), Refusal::Issuer);
    bench.assert_refused(&elsewhere("https://www.example.org/", AUDIENCE), Refusal::Issuer);
    bench.assert_refused(&elsewhere(ISSUER, "other"), Refusal::Audience);
    bench.assert_refused(&elsewhere(ISSUER, ""), Refusal::Audience);
}

#[test]
fn a_token_is_in_force_from_its_issue_to_its_end_give_or_take_the_clocks() {
    let bench = Bench::new();
    let token = bench.token();
    let verify_at = |seconds| bench.rules.verify(&bench.ring, &token, at(seconds)).map(|_| ());

    assert_eq!(verify_at(NOW - 61), Err(Refusal::IssuedAhead.into()));
    assert_eq!(verify_at(NOW - 60), Ok(()));
    assert_eq!(verify_at(NOW + 900), Ok(()));
    assert_eq!(verify_at(NOW + 929), Ok(()));
    assert_eq!(verify_at(NOW + 930), Err(TokenError::Expired));
    assert_eq!(verify_at(NOW + 961), Err(TokenError::Expired));
}

#[test]
fn times_that_we_would_not_issue_are_refused() {
    let bench = Bench::new();
    for (claim, value, refusal) in [
        ("exp", NOW + 901, Refusal::Lifetime),
        ("exp", NOW + 86_400, Refusal::Lifetime),
        ("exp", i64::MAX, Refusal::Lifetime),
        ("exp", NOW, Refusal::Lifetime),
        ("exp", NOW - 1, Refusal::Lifetime),
        ("iat", NOW - 1, Refusal::Lifetime),
        ("iat", i64::MIN, Refusal::Lifetime),
        ("nbf", NOW + 31, Refusal::NotYetValid),
        ("nbf", NOW + 300, Refusal::NotYetValid),
        ("nbf", i64::MAX, Refusal::NotYetValid),
    ] {
        bench.assert_refused(&bench.with_claim(claim, json!(value)), refusal);
    }
    assert!(bench.verify(&bench.with_claim("nbf", json!(NOW + 30))).is_ok());
    let tomorrow = AccessClaims { iat: NOW + 86_400, exp: NOW + 86_500, ..bench.claims() };
    bench.assert_refused(&bench.rules.sign(&bench.ring, &tomorrow).unwrap(), Refusal::IssuedAhead);
}

#[test]
fn a_lifetime_over_a_quarter_of_an_hour_cannot_be_configured() {
    for seconds in [i64::MIN / 2_000, -1, 0, 901, 86_400] {
        let lifetime = TimeDelta::seconds(seconds);
        assert_eq!(TokenRules::new(ISSUER, AUDIENCE, lifetime).err(), Some(LifetimeOutOfRange), "{seconds}");
    }
}

#[test]
fn clients_learn_nothing_but_that_a_token_is_invalid_or_expired() {
    let errors = [TokenError::UnknownKid("k".to_owned()), Refusal::Signature.into(), Refusal::Issuer.into()];

    for error in errors {
        assert_eq!(error.to_string(), "The access token is not valid.");
        assert!(!error.cause().is_empty());
    }
    assert_eq!(TokenError::Expired.to_string(), "The access token has expired.");
}

#[test]
fn a_token_that_was_good_is_checked_again_each_time() {
    let bench = Bench::new();
    let token = bench.token();
    bench.verify(&token).unwrap();

    assert_eq!(bench.rules.verify(&bench.ring, &token, at(NOW + 2_000)), Err(TokenError::Expired));
    let parts: Vec<&str> = token.split('.').collect();
    let other: Vec<String> = bench.token().split('.').map(str::to_owned).collect();
    bench.assert_refused(&format!("{}.{}.{}", parts[0], parts[1], other[2]), Refusal::Signature);
    bench.assert_refused(&format!("{}.{}.{}", parts[0], other[1], parts[2]), Refusal::Signature);
    assert!(rules("https://elsewhere.example.org", AUDIENCE).verify(&bench.ring, &token, at(NOW)).is_err());
    let kid = bench.kid();
    std::fs::write(bench.directory.path().join("2.pem"), PRIVATE_B).unwrap();
    std::fs::remove_file(bench.directory.path().join("1.pem")).unwrap();
    bench.ring.reload().unwrap();
    assert_eq!(bench.verify(&token), Err(TokenError::UnknownKid(kid)), "its key is gone");
}
