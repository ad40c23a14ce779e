//! Where a request really comes from, for counting password tries.
//!
//! The peer's address, unless the peer is a proxy that the operator trusts: then the right-most address of
//! `X-Forwarded-For` that is not such a proxy, since whatever stands left of it is the client's own claim. `Forwarded`
//! and `X-Forwarded-Host` are never used. Start at [`Source::of`].

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The header in which proxies list the addresses that a request came through.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Hops beyond this many are not looked at; no real chain of trusted proxies is as long.
const MOST_HOPS: usize = 32;

/// One place to count tries at: an IPv4 address, or the /64 of an IPv6 address, which is what one customer is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An address.
    Address(IpAddr),
    /// A connection without an address; all of them count as one.
    Nowhere,
}

impl Source {
    /// Returns the source of a request.
    pub fn of(request: &HttpRequest, trusted: &[IpNet]) -> Self {
        // A line that is not text is a hop that cannot be read, and ends the chain like any other.
        let lines: Vec<&str> =
            request.headers().get_all(FORWARDED_FOR).map(|value| value.to_str().unwrap_or_default()).collect();
        match request.peer_addr() {
            Some(peer) => Self::behind(peer.ip(), &lines, trusted),
            None => Self::Nowhere,
        }
    }

    fn behind(peer: IpAddr, lines: &[&str], trusted: &[IpNet]) -> Self {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
        let mut source = peer.to_canonical();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MOST_HOPS);
        for hop in hops {
            if !is_trusted(source) {
                break;
            }
            match parse_hop(hop) {
                Some(address) => source = address,
                None => break,
            }
        }
        Self::Address(narrowed(source))
    }

    /// Returns the text under which tries from here are counted.
    pub fn key(self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Nowhere => String::new(),
        }
    }
}

// An address is personal: it does not show in debug output.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source(…)")
    }
}

/// Reads an address, with or without a port and brackets, as proxies write it.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

fn narrowed(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        Source::behind(peer.parse().unwrap(), lines, &trusted).key()
    }

    const PROXIES: &[&str] = &["10.0.0.0/8", "fd00::/8"];

    #[test]
    fn a_peer_that_is_no_trusted_proxy_is_the_source_whatever_it_claims() {
        assert_eq!(source("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(source("203.0.113.7", &["198.51.100.1", "10.0.0.1"], PROXIES), "203.0.113.7");
    }

    #[test]
    fn behind_trusted_proxies_the_right_most_address_that_is_none_of_them_counts() {
        for lines in [
            &["198.51.100.1"][..],
            &["192.0.2.1, 198.51.100.1"],
            &["192.0.2.1", "198.51.100.1"],
            &["192.0.2.1, 198.51.100.1,10.1.1.1"],
            &["192.0.2.1, 198.51.100.1", "fd00::1, 10.1.1.1"],
            &["192.0.2.1,198.51.100.1:4711"],
            &["unknown, 198.51.100.1"],
            &["::ffff:198.51.100.1"],
        ] {
            assert_eq!(source("10.0.0.1", lines, PROXIES), "198.51.100.1", "{lines:?}");
        }
    }

    #[test]
    fn a_hop_that_cannot_be_read_ends_the_chain_at_the_proxy_that_sent_it() {
        for lines in [&[][..], &[""], &["198.51.100.1, unknown"], &["198.51.100.1,"], &["198.51.100.1", "_hidden"]] {
            assert_eq!(source("10.0.0.1", lines, PROXIES), "10.0.0.1", "{lines:?}");
        }
        assert_eq!(source("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], PROXIES), "10.0.0.2");
    }

    #[test]
    fn all_addresses_of_one_ipv6_network_are_one_source() {
        assert_eq!(source("2001:db8:1:2:3:4:5:6", &[], &[]), "2001:db8:1:2::");
        assert_eq!(source("10.0.0.1", &["[2001:db8:1:2::ffff]:80"], PROXIES), "2001:db8:1:2::");
        assert_eq!(source("10.0.0.1", &["[2001:db8:1:2::ffff]"], PROXIES), "2001:db8:1:2::");
        assert_ne!(source("2001:db8:1:3::1", &[], &[]), "2001:db8:1:2::");
        assert_eq!(source("::ffff:203.0.113.7", &[], &[]), "203.0.113.7");
    }

    #[test]
    fn an_endless_chain_is_cut() {
        let line = vec!["10.0.0.2"; 100_000].join(",");

        assert_eq!(source("10.0.0.1", &[&line], PROXIES), "10.0.0.2");
    }

    #[test]
    fn debug_hides_the_address() {
        assert_eq!(format!("{:?}", Source::Address([203, 0, 113, 7].into())), "Source(…)");
    }
}
