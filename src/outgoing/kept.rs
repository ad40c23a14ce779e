//! Connections that are kept for the next request, and checked again before it.
//!
//! A host is looked up and checked for every request, also when a connection to it is there. Such a connection is used only
//! if all addresses among which it was opened are among those that were found just now. So a host that has moved, or leads
//! inside meanwhile, is told nothing on a connection of before.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
};

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};

thread_local! {
    /// What was found for the request that this thread makes.
    static FOUND: RefCell<Vec<SocketAddr>> = const { RefCell::new(Vec::new()) };
    /// Whether that request goes over a connection that was kept.
    static IS_KEPT: Cell<bool> = const { Cell::new(true) };
}

/// Says what was found for the request that this thread makes. Nothing: no connection of before may be used.
pub(super) fn found(addresses: &[SocketAddr]) {
    FOUND.with_borrow_mut(|found| {
        found.clear();
        found.extend_from_slice(addresses);
    });
}

/// Begins a request on this thread.
pub(super) fn begin() {
    IS_KEPT.set(true);
}

/// Whether the request of this thread went over a connection that was kept.
pub(super) fn was_kept() -> bool {
    IS_KEPT.get()
}

/// Opens connections, and notes among which addresses.
#[derive(Debug, Default)]
pub(super) struct Pinning(DefaultConnector);

impl Connector<()> for Pinning {
    type Out = Pinned;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Pinned>, ureq::Error> {
        IS_KEPT.set(false);
        let opened = self.0.connect(details, chained)?;
        Ok(opened.map(|inner| Pinned { inner, among: details.addrs.iter().copied().collect() }))
    }
}

/// A connection, and the addresses among which it was opened.
#[derive(Debug)]
pub(super) struct Pinned {
    inner: Box<dyn Transport>,
    among: Vec<SocketAddr>,
}

impl Transport for Pinned {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn maybe_await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.maybe_await_input(timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        FOUND.with_borrow(|found| self.among.iter().all(|address| found.contains(address))) && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{IpAddr, SocketAddr, TcpListener},
        sync::{Arc, Mutex},
        time::Duration,
    };

    use ureq::{
        config::Config,
        http::Uri,
        unversioned::{
            resolver::{ResolvedSocketAddrs, Resolver},
            transport::NextTimeout,
        },
    };

    use super::*;
    use crate::outgoing::{Guard, Rules};

    /// Answers so many requests on each connection and then closes it without a word; returns where the connections led.
    fn server(n_answers: usize) -> (SocketAddr, Arc<Mutex<Vec<IpAddr>>>) {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let (address, opened) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<IpAddr>>>::default());
        let to = opened.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                to.lock().unwrap().push(stream.local_addr().unwrap().ip());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    for n in 0.. {
                        let head = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                        if head.count() == 0 || reader.read_exact(&mut [0; 2]).is_err() || n == n_answers {
                            return;
                        }
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
                    }
                });
            }
        });
        (address, opened)
    }

    #[test]
    fn a_connection_is_used_again_and_one_that_was_closed_is_no_failure() {
        let guard = Guard::new(Rules { allows_loopback: true }, Duration::from_secs(5));
        for (n_answers, n_connections) in [(100, 1), (1, 4)] {
            let (address, opened) = server(n_answers);
            let url = format!("http://127.0.0.1:{}/", address.port());
            for _ in 0..4 {
                assert_eq!(guard.post(&url, &[], "{}").unwrap().body, b"ok");
            }
            assert_eq!(opened.lock().unwrap().len(), n_connections);
        }
        // A connection that was not kept is another matter.
        let (address, opened) = server(0);
        assert!(guard.post(&format!("http://127.0.0.1:{}/", address.port()), &[], "{}").is_err());
        assert_eq!(opened.lock().unwrap().len(), 1);
    }

    #[derive(Debug)]
    struct Moving(Arc<Mutex<Vec<SocketAddr>>>);

    impl Resolver for Moving {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut addresses = self.empty();
            self.0.lock().unwrap().iter().for_each(|address| addresses.push(*address));
            found(&addresses);
            Ok(addresses)
        }
    }

    #[test]
    fn a_connection_to_where_the_host_is_not_any_more_is_not_used() {
        let (address, opened) = server(100);
        let at = |ips: &[&str]| ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), address.port())).collect();
        let host = Arc::new(Mutex::new(at(&["127.0.0.1"])));
        let agent = ureq::Agent::with_parts(Config::default(), Pinning::default(), Moving(host.clone()));
        let places: [(&[&str], &[&str]); 4] = [
            (&["127.0.0.1"], &["127.0.0.1"]),
            (&["127.0.0.3", "127.0.0.1"], &["127.0.0.1"]),
            (&["127.0.0.2"], &["127.0.0.1", "127.0.0.2"]),
            (&["127.0.0.2"], &["127.0.0.1", "127.0.0.2"]),
        ];
        for (ips, expected) in places {
            *host.lock().unwrap() = at(ips);
            let answer = agent.post(format!("http://host.example:{}/", address.port())).send("{}").unwrap();
            assert_eq!(answer.into_body().read_to_string().unwrap(), "ok");
            let expected: Vec<IpAddr> = expected.iter().map(|ip| ip.parse().unwrap()).collect();
            assert_eq!(*opened.lock().unwrap(), expected, "{ips:?}");
        }
    }
}
