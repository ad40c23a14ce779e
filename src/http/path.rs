//! Addresses: percent-decoding without surprises, hosts, and the last step of a path.

use std::net::Ipv6Addr;

use actix_web::{
    HttpRequest,
    http::{
        Uri,
        header::{self, HeaderMap},
    },
};

use crate::error::{Code, Error, Result};

/// The longest path and query together, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// Decodes percent-encoding; `None` when it is broken or not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(*rest.next()?).to_digit(16)?;
            let low = char::from(*rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Checks an address before anything is done with it.
///
/// # Errors
/// When it is too long, its encoding is broken, or it hides a slash, a backslash or a control character.
pub fn check(uri: &Uri) -> Result<()> {
    let length = uri.path().len() + uri.query().map_or(0, str::len);
    if length > LONGEST {
        return Err(Error::new(Code::UriTooLong, format!("{length} bytes; at most {LONGEST} are allowed.")));
    }
    let bad = |what: &str| Err(Error::new(Code::BadRequest, format!("The path {what}.")));
    let Some(decoded) = percent_decode(uri.path()) else {
        return bad("is not well-formed percent-encoded UTF-8");
    };
    if decoded.chars().any(char::is_control) {
        return bad("contains a control character");
    }
    let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
    if decoded.contains('\\') || slashes(&decoded) != slashes(uri.path()) {
        return bad("contains an encoded slash or a backslash");
    }
    Ok(())
}

/// Checks the name of the host that a request is for. Nothing is done with it; but what stands before this server may
/// read it in another way.
///
/// # Errors
/// When it is none (RFC 9112, 3.2).
pub fn check_host(headers: &HeaderMap) -> Result<()> {
    let Some(host) = headers.get(header::HOST) else { return Ok(()) };
    if host.to_str().is_ok_and(is_host) {
        return Ok(());
    }
    Err(Error::new(Code::BadRequest, "The Host header is not the name of a host, with or without a port."))
}

/// Returns whether a text is a name or an address of a host, perhaps with a port, as far as its characters say. It may
/// be empty.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    let is_name = match name.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.bytes().all(is_in_name),
    };
    is_name && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a step of the path by the name that the route gives it, decoded.
///
/// # Errors
/// Not found, when the route has no such step.
pub fn step(request: &HttpRequest, name: &str) -> Result<String> {
    // Taken from the raw path: the router's own decoding leaves some characters encoded and mends broken UTF-8.
    let pattern = request.match_pattern().unwrap_or_default();
    let place = format!("{{{name}}}");
    let index = pattern.split('/').position(|part| part == place).ok_or_else(Error::not_found)?;
    let raw = request.uri().path().split('/').nth(index).ok_or_else(Error::not_found)?;
    percent_decode(raw).ok_or_else(Error::not_found)
}

/// Returns the last step of a path as the name and the extension of a file, decoded.
///
/// # Errors
/// Not found, when it has none.
pub fn file(request: &HttpRequest) -> Result<(String, String)> {
    let raw = request.uri().path().rsplit('/').next().unwrap_or_default();
    let decoded = percent_decode(raw).ok_or_else(Error::not_found)?;
    let (name, extension) = decoded.rsplit_once('.').ok_or_else(Error::not_found)?;
    Ok((name.to_owned(), extension.to_owned()))
}

/// Encodes a text as one step of a path.
pub fn encode_step(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "",
            "a",
            "cms.example.org",
            "a_b.test:8080",
            "127.0.0.1:80",
            "[::1]",
            "[fe80::1]:8080",
            "[::]:",
            "a:",
            "xn--p1ai",
        ] {
            assert!(is_host(host), "{host}");
        }
        for none in [
            "a b", "a, b", "u@h", "a/b", "a:80:80", "a:x", "[::1", "::1]", "a[::1]", "[::1]a", "[a/b]", "[]", "[zz]",
            "::1", "é", "a?b", "a#b", "\\",
        ] {
            assert!(!is_host(none), "{none}");
        }
    }

    #[test]
    fn decoding_inverts_encoding_and_refuses_what_is_broken() {
        for text in ["ifp-exclusive", "خبر-تازه", "a b", "100%"] {
            assert_eq!(percent_decode(&encode_step(text)).as_deref(), Some(text));
        }
        for broken in ["%", "%4", "%zz", "%ff", "%c0%af", "%ed%a0%80"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
    }
}
