//! `frontpage health`: asks the server on this machine whether it is alive, for container health checks.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::{
    outcome::{Failure, Outcome},
    say,
};
use crate::config::{ConfigFault, ConfigFaults, ListenArgs, listen_address, reachable};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    listen: ListenArgs,
}

/// A server that takes longer to say that it is alive is not well.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn run(args: &Args, environment: ConfigFaults) -> Outcome {
    let listen = environment.and(listen_address(&args.listen))?;
    if listen.port() == 0 {
        let mut faults = ConfigFaults::new();
        let problem = "must have the port that the server listens on, so that it can be asked";
        faults.add(ConfigFault::of_value("FRONTPAGE_LISTEN", &listen.to_string(), problem));
        return Err(faults.into());
    }
    let addr = reachable(listen);
    match ask(addr) {
        Ok(200) => {
            say(&format!("http://{addr}/healthz answers"));
            Ok(())
        }
        Ok(status) => Err(Failure::Failed(format!("http://{addr}/healthz answers with status {status}"))),
        Err(error) => Err(Failure::Failed(format!(
            "http://{addr}/healthz does not answer: {error}. Is the server running, and on this address (FRONTPAGE_LISTEN)?"
        ))),
    }
}

/// Returns the status with which the server answers.
fn ask(addr: SocketAddr) -> std::io::Result<u16> {
    let deadline = Instant::now() + PATIENCE;
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    // "HTTP/1.1 200" is all that matters.
    while head.len() < 12 {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let mut bytes = [0_u8; 12];
        let n_read = stream.read(&mut bytes)?;
        if n_read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.extend(bytes.iter().take(n_read));
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
    status.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_however_it_arrives() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for piece in ["HT", "TP/1.1 5", "03 Service Unavailable\r\n\r\n"] {
                stream.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
            // Kept open until the client has seen enough.
            stream.read_to_end(&mut Vec::new()).unwrap_or_default();
        });

        assert_eq!(ask(addr).unwrap(), 503);
        server.join().unwrap();
        assert!(ask(addr).is_err(), "nobody listens any more");
    }
}
