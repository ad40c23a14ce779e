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

    /// Returns how welcome a media type is, in thousandths: what names it closest decides. 0 is not at all.
    pub fn weight(self, media_type: &str) -> u32 {
        let kind = media_type.split('/').next().unwrap_or_default();
        let (mut named, mut of_kind, mut any) = (None, None, None);
        for (range, weight) in self.ranges() {
            let place = if range.eq_ignore_ascii_case(media_type) {
                &mut named
            } else if range == "*/*" {
                &mut any
            } else if range.strip_suffix("/*").is_some_and(|of| of.eq_ignore_ascii_case(kind)) {
                &mut of_kind
            } else {
                continue;
            };
            *place = (*place).max(Some(weight));
        }
        named.or(of_kind).or(any).unwrap_or(0)
    }

    /// Returns whether a media type is named as it is, and not excluded.
    pub fn names(self, media_type: &str) -> bool {
        self.ranges().any(|(range, weight)| weight > 0 && range.eq_ignore_ascii_case(media_type))
    }

    fn ranges(self) -> impl Iterator<Item = (&'a str, u32)> {
        let values = self.0.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
        let ranges = values.flat_map(|value| value.split(',')).map(str::trim).filter(|range| !range.is_empty());
        ranges.map(|range| {
            let mut parts = range.split(';').map(str::trim);
            // What cannot be read is no reason to refuse.
            (parts.next().unwrap_or_default(), parts.find_map(quality).flatten().unwrap_or(1000))
        })
    }
}

/// Reads a parameter that is a quality (RFC 9110, 12.4.2), in thousandths; none when it is another, none within when it
/// cannot be read.
pub fn quality(parameter: &str) -> Option<Option<u32>> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
}

fn thousandths(quality: &str) -> Option<u32> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let whole: u32 = whole.parse().ok()?;
    let digits = fraction.bytes().chain(*b"000").take(3);
    let fraction =
        digits.map(|digit| char::from(digit).to_digit(10)).try_fold(0, |sum, digit| Some(sum * 10 + digit?))?;
    Some(whole.saturating_mul(1000).saturating_add(fraction).min(1000))
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
            ("application/json;q=much", true),
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
            assert_eq!(Accept::of(&asked(accept)).weight("application/json") > 0, is_taken, "{accept}");
        }
        assert!(!Accept::of(&asked(" ,")).is_said());
    }

    #[test]
    fn a_quality_has_up_to_three_digits() {
        for (quality, weight) in
            [("1", 1000), ("1.000", 1000), ("0.5", 500), ("0.05", 50), ("0.001", 1), ("0", 0), ("0.", 0), ("7", 1000)]
        {
            assert_eq!(thousandths(quality), Some(weight), "{quality}");
        }
        for quality in ["", ".5", "-1", "0.x", "0,5", "inf"] {
            assert_eq!(thousandths(quality), None, "{quality}");
        }
    }
}
