//! Something between clients and servers that breaks connections: before the request arrives, or before the answer does.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::dice::Dice;

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is passed on.
    Passes,
    /// It is closed before the server hears of it.
    IsRefused,
    /// The server gets the request, and the client no answer.
    LosesItsAnswer,
    /// The client gets the beginning of an answer.
    IsCutShort,
}

/// A proxy before some servers, which are asked in turn.
pub struct Proxy {
    pub base: String,
    pub broken: Arc<AtomicUsize>,
    addr: std::net::SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Proxy {
    /// Listens before servers; of a hundred connections so many break.
    pub fn start(bases: &[String], percent: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let targets: Vec<String> = bases.iter().map(|base| base.trim_start_matches("http://").to_owned()).collect();
        let (is_over, broken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ends, counts) = (is_over.clone(), broken.clone());
        let dice = Mutex::new(Dice(0x7e57));
        let thread = thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let mut dice = dice.lock().unwrap();
                let fate = match dice.roll(100) < percent {
                    true => *dice.one(&[Fate::IsRefused, Fate::LosesItsAnswer, Fate::LosesItsAnswer, Fate::IsCutShort]),
                    false => Fate::Passes,
                };
                if fate != Fate::Passes {
                    counts.fetch_add(1, Ordering::SeqCst);
                }
                let target = targets[number % targets.len()].clone();
                // Ends by itself when either side does.
                drop(thread::spawn(move || carry(client, &target, fate)));
            }
        });
        Self { base: format!("http://{addr}"), broken, addr, is_over, thread: Some(thread) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the one that listens.
        drop(TcpStream::connect(self.addr));
        drop(self.thread.take().map(thread::JoinHandle::join));
    }
}

/// Passes a connection on for as long as its fate allows.
fn carry(client: TcpStream, target: &str, fate: Fate) {
    if fate == Fate::IsRefused {
        return;
    }
    let Ok(server) = TcpStream::connect(target) else { return };
    let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let requests = thread::spawn(move || pump(from_client, to_server));
    let bytes = match fate {
        Fate::LosesItsAnswer => 0,
        Fate::IsCutShort => 40,
        _ => usize::MAX,
    };
    pump_answer(&server, &client, bytes);
    drop(client.shutdown(Shutdown::Both));
    drop(server.shutdown(Shutdown::Both));
    drop(requests.join());
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0_u8; 16_384];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

/// Passes on so many bytes of what a server says; waits until it says something, so that it has done what it was asked.
fn pump_answer(server: &TcpStream, client: &TcpStream, most: usize) {
    let (mut from, mut to) = (server, client);
    drop(server.set_read_timeout(Some(Duration::from_secs(90))));
    let mut buffer = [0_u8; 16_384];
    while let Ok(length) = from.read(&mut buffer) {
        let allowed = length.min(most);
        if length == 0 || to.write_all(&buffer[..allowed]).is_err() || allowed < length {
            return;
        }
    }
}
