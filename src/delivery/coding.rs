//! Content codings: which one a client gets, and the bytes in it.

use std::io::Write;

use actix_web::http::header::{self, HeaderMap};

use crate::http::accept::quality;

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
    /// All codings.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Brotli, Self::Zstd, Self::Gzip];

    /// The codings that change bytes, the preferred ones first.
    const CODED: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Returns the place among the codings that change bytes; none for identity.
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some(0),
            Self::Zstd => Some(1),
            Self::Gzip => Some(2),
        }
    }

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
    pub fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let encoded = match self {
            Self::Identity => return bytes.to_vec(),
            Self::Brotli => brotli(bytes),
            Self::Zstd => zstd::bulk::compress(bytes, 3),
            Self::Gzip => gzip(bytes),
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
///
/// Stands in the way of every answer, so it reads the header once and makes nothing.
pub fn negotiate(headers: &HeaderMap, length: usize) -> Coding {
    let mut weights = Weights::default();
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        value.to_str().unwrap_or_default().split(',').for_each(|item| weights.read(item));
    }
    if length < SHORTEST && weights.identity.or(weights.any) != Some(0) {
        return Coding::Identity;
    }
    weights.best()
}

/// What a client thinks of each coding, in thousandths.
#[derive(Default)]
struct Weights {
    coded: [Option<u32>; 3],
    identity: Option<u32>,
    any: Option<u32>,
}

impl Weights {
    fn read(&mut self, item: &str) {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        // Who says so what cannot be read may not be able to read the coding either.
        let weight = parts.find_map(quality).unwrap_or(Some(1000)).unwrap_or(0);
        let place = if name == "*" {
            &mut self.any
        } else if name.eq_ignore_ascii_case("identity") {
            &mut self.identity
        } else {
            let is_it = |coding: &Coding| coding.name().is_some_and(|own| name.eq_ignore_ascii_case(own));
            let name_of_old = name.eq_ignore_ascii_case("x-gzip").then_some(Coding::Gzip);
            let coding = Coding::CODED.into_iter().find(is_it).or(name_of_old);
            match coding.and_then(Coding::index).and_then(|index| self.coded.get_mut(index)) {
                Some(place) => place,
                None => return,
            }
        };
        place.get_or_insert(weight);
    }

    fn best(&self) -> Coding {
        // Identity is always acceptable, but the last choice unless it is named.
        let identity = self.identity.or(self.any).unwrap_or(1);
        let mut best = (Coding::Identity, 0);
        for (coding, weight) in Coding::CODED.into_iter().zip(self.coded) {
            let weight = weight.or(self.any).unwrap_or(0);
            if weight > best.1 && weight >= identity {
                best = (coding, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn chosen_for(length: usize, accepted: &'static str) -> Coding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        negotiate(&headers, length)
    }

    fn chosen(accepted: &'static str) -> Coding {
        chosen_for(10_000, accepted)
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
    fn what_is_short_is_coded_for_whom_it_must_be() {
        for (accepted, coding) in [
            ("gzip, br", Coding::Identity),
            ("gzip, identity;q=0", Coding::Gzip),
            ("br, *;q=0", Coding::Brotli),
            ("identity;q=0", Coding::Identity),
        ] {
            assert_eq!(chosen_for(100, accepted), coding, "{accepted}");
        }
    }

    #[test]
    fn each_coding_decodes_to_the_body() {
        use std::io::Read;
        let body = "All the news that fits. ".repeat(100);
        let mut decoded = String::new();
        flate2::read::GzDecoder::new(Coding::Gzip.encode(body.as_bytes()).as_slice())
            .read_to_string(&mut decoded)
            .unwrap();
        assert_eq!(decoded, body);
        let zstd = zstd::bulk::decompress(&Coding::Zstd.encode(body.as_bytes()), 100_000).unwrap();
        assert_eq!(zstd, body.as_bytes());
        let mut unbrotlied = Vec::new();
        brotli::BrotliDecompress(&mut Coding::Brotli.encode(body.as_bytes()).as_slice(), &mut unbrotlied).unwrap();
        assert_eq!(unbrotlied, body.as_bytes());
    }
}
