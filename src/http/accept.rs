//! Which media types a client takes: the `Accept` header (RFC 9110, 12.5.1).

use actix_web::http::header::{self, HeaderMap};

/// What a client takes, as it said so.
#[derive(Clone, Copy, Debug)]
pub struct Accept<'a>(&'a HeaderMap);

impl<'a> Accept<'a> {
    /// Returns what the headers of a request say.
    pub fn of(headers: &'a HeaderMap) -> Self {
        Self(headers)
    }

    /// Returns whether anything was said; who says nothing takes everything.
    pub fn is_said(self) -> bool {
        self.ranges().next().is_some()
    }

    /// Returns whether a media type is taken: what names it closest decides.
    pub fn takes(self, media_type: &str) -> bool {
        let kind = media_type.split('/').next().unwrap_or_default();
        self.named(media_type)
            .or_else(|| self.best(|range| range.strip_suffix("/*").is_some_and(|of| of.eq_ignore_ascii_case(kind))))
            .or_else(|| self.best(|range| range == "*/*"))
            .is_some_and(|quality| quality > 0.0)
    }

    /// Returns how welcome a media type is that is named as it is, from 0 (excluded) to 1; none when it is not.
    pub fn named(self, media_type: &str) -> Option<f32> {
        self.best(|range| range.eq_ignore_ascii_case(media_type))
    }

    fn best(self, is_meant: impl Fn(&str) -> bool) -> Option<f32> {
        self.ranges().filter(|(range, _)| is_meant(range)).map(|(_, quality)| quality).reduce(f32::max)
    }

    fn ranges(self) -> impl Iterator<Item = (&'a str, f32)> {
        let values = self.0.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
        let ranges = values.flat_map(|value| value.split(',')).map(str::trim).filter(|range| !range.is_empty());
        ranges.map(|range| {
            let mut parts = range.split(';').map(str::trim);
            (parts.next().unwrap_or_default(), parts.find_map(quality).unwrap_or(1.0))
        })
    }
}

/// Returns the quality that a parameter of a range is, if it is one.
fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn asked(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        headers
    }

    #[test]
    fn the_range_that_names_a_type_closest_decides() {
        for (accept, is_taken) in [
            ("application/json", true),
            ("*/*", true),
            ("Application/*;q=0.1", true),
            ("text/html, */*;q=0.1", true),
            ("application/json;version=1", true),
            ("application/json;q=0, */*", false),
            ("*/*, application/*;q=0.000", false),
            ("*/*;q=0, application/*;q=0, application/json;q=0.001", true),
            ("text/*", false),
            ("json", false),
            ("applicationx/*", false),
        ] {
            assert_eq!(Accept::of(&asked(accept)).takes("application/json"), is_taken, "{accept}");
        }
        assert!(!Accept::of(&asked(" ,")).is_said());
    }
}
