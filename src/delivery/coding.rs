//! Content codings: which one a client gets, and the bytes in it.

use std::io::Write;

use actix_web::http::header::{self, HeaderMap};

/// A content coding that the server can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
    /// Gzip.
    Gzip,
    /// As it is.
    Identity,
}

/// Bodies shorter than this are not worth coding.
const SHORTEST: usize = 512;

impl Coding {
    /// All codings, the preferred ones first.
    pub const ALL: [Self; 4] = [Self::Brotli, Self::Zstd, Self::Gzip, Self::Identity];

    /// Returns the name in `Content-Encoding`; none for identity.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Zstd => Some("zstd"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Returns what sets the ETag of this coding off from the others'.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Zstd => "-zstd",
            Self::Gzip => "-gzip",
            Self::Identity => "",
        }
    }

    /// Encodes a body.
    pub fn encode(self, body: String) -> Vec<u8> {
        let bytes = body.into_bytes();
        let encoded = match self {
            Self::Identity => return bytes,
            Self::Brotli => brotli(&bytes),
            Self::Zstd => zstd::bulk::compress(&bytes, 3),
            Self::Gzip => gzip(&bytes),
        };
        // Writing into memory does not fail; were it to, the answer would only lack its coding's header's truth.
        encoded.unwrap_or_default()
    }
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 20);
    writer.write_all(bytes)?;
    writer.flush()?;
    Ok(writer.into_inner())
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes)?;
    writer.finish()
}

/// Chooses a coding by `Accept-Encoding`: the one with the highest weight, and among equals the densest.
pub fn negotiate(headers: &HeaderMap, length: usize) -> Coding {
    if length < SHORTEST {
        return Coding::Identity;
    }
    let accepted: Vec<&str> =
        headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok()).collect();
    let accepted = accepted.join(",");
    let weight = |coding: Coding| weight_of(&accepted, coding);
    let mut best = Coding::Identity;
    for coding in Coding::ALL {
        if coding != Coding::Identity && weight(coding) > 0 && weight(coding) >= weight(Coding::Identity).min(1000) {
            let is_better = best == Coding::Identity || weight(coding) > weight(best);
            if is_better {
                best = coding;
            }
        }
    }
    best
}

/// The weight of a coding in thousandths.
fn weight_of(accepted: &str, coding: Coding) -> u32 {
    let name = coding.name().unwrap_or("identity");
    let mut wildcard = None;
    for item in accepted.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let item_name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = quality.map_or(1000, thousandths);
        if item_name.eq_ignore_ascii_case(name) || (coding == Coding::Gzip && item_name.eq_ignore_ascii_case("x-gzip"))
        {
            return weight;
        }
        if item_name == "*" {
            wildcard = Some(weight);
        }
    }
    // Identity is always acceptable, but the last choice unless it is named.
    wildcard.unwrap_or(u32::from(coding == Coding::Identity))
}

fn thousandths(quality: &str) -> u32 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), fraction.parse::<u32>()) {
        (Ok(whole), Ok(fraction)) => (whole * 1000 + fraction).min(1000),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn chosen(accepted: &'static str) -> Coding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        negotiate(&headers, 10_000)
    }

    #[test]
    fn the_client_chooses_and_the_densest_wins_among_equals() {
        for (accepted, coding) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("br;q=0, gzip;q=0.2", Coding::Gzip),
            ("identity", Coding::Identity),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("*", Coding::Brotli),
            ("deflate", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
            ("*;q=0", Coding::Identity),
        ] {
            assert_eq!(chosen(accepted), coding, "{accepted}");
        }
    }

    #[test]
    fn each_coding_decodes_to_the_body() {
        use std::io::Read;
        let body = "All the news that fits. ".repeat(100);
        let mut decoded = String::new();
        flate2::read::GzDecoder::new(Coding::Gzip.encode(body.clone()).as_slice())
            .read_to_string(&mut decoded)
            .unwrap();
        assert_eq!(decoded, body);
        let zstd = zstd::bulk::decompress(&Coding::Zstd.encode(body.clone()), 100_000).unwrap();
        assert_eq!(zstd, body.as_bytes());
        let mut unbrotlied = Vec::new();
        brotli::BrotliDecompress(&mut Coding::Brotli.encode(body.clone()).as_slice(), &mut unbrotlied).unwrap();
        assert_eq!(unbrotlied, body.as_bytes());
    }
}
