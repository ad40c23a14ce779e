//! A connection that is kept and used again, without anything that repairs it: what breaks on it is seen.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A connection to a server.
pub struct Line {
    reader: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    /// The server says that nothing more is answered on this connection.
    pub is_last: bool,
}

impl Line {
    pub fn open(base: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(base.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    pub fn get(&mut self, path: &str) -> io::Result<Got> {
        self.ask("GET", path, "", b"")
    }

    /// Sends a request, with more lines of its head that end in CRLF, and reads the answer.
    pub fn ask(&mut self, method: &str, path: &str, head: &str, body: &[u8]) -> io::Result<Got> {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: news\r\n{head}{length}\r\n").into_bytes();
        request.extend_from_slice(body);
        self.send(&request)?;
        self.answer(method)
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    pub fn answer(&mut self, method: &str) -> io::Result<Got> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_lowercase()),
            }
        }
        let header = |name: &str| head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let status = head[0].split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let is_last = header("connection") == Some("close");
        let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let has_body = method != "HEAD" && status != 204 && status != 304;
        let mut body = vec![0; if has_body { length } else { 0 }];
        self.reader.read_exact(&mut body)?;
        Ok(Got { status, is_last })
    }
}
