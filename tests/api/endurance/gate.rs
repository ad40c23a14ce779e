//! Something between servers and their database, or anything else that speaks over TCP, that a test can make slow, silent or
//! closed.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::wait::pause;

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is passed on.
    Passes,
    /// It is passed on after so long.
    Delays(Duration),
    /// It is passed on when the mode is another one; nothing is closed.
    Holds,
    /// Connections are closed as they come.
    Refuses,
}

/// A gate before an address.
pub struct Gate {
    pub addr: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    is_over: Arc<AtomicBool>,
}

impl Gate {
    pub fn before(target: SocketAddr, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate =
            Self { addr: listener.local_addr().unwrap(), mode: Arc::new(Mutex::new(mode)), is_over: Arc::default() };
        let (mode, is_over) = (gate.mode.clone(), gate.is_over.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                if *mode.lock().unwrap() != Mode::Refuses {
                    let mode = mode.clone();
                    thread::spawn(move || carry(client, target, &mode));
                }
            }
        });
        gate
    }

    /// A gate before PostgreSQL, and the URL of a database behind it.
    pub fn before_database(url: &str, mode: Mode) -> (Self, String) {
        let parsed = url::Url::parse(url).unwrap();
        let gate = Self::before(SocketAddr::from(([127, 0, 0, 1], parsed.port().unwrap())), mode);
        let mut through = parsed.clone();
        through.set_port(Some(gate.addr.port())).unwrap();
        (gate, through.into())
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.set(Mode::Passes);
        drop(TcpStream::connect(self.addr));
    }
}

fn carry(client: TcpStream, target: SocketAddr, mode: &Arc<Mutex<Mode>>) -> Option<()> {
    wait_while_held(mode);
    let server = TcpStream::connect(target).ok()?;
    let (from_client, to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let for_requests = mode.clone();
    let requests = thread::spawn(move || pump(from_client, to_server, &for_requests));
    pump(server, client, mode);
    drop(requests.join());
    Some(())
}

fn wait_while_held(mode: &Mutex<Mode>) {
    while *mode.lock().unwrap() == Mode::Holds {
        pause(Duration::from_millis(10));
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, mode: &Mutex<Mode>) {
    let mut buffer = [0_u8; 16_384];
    while let Ok(length) = from.read(&mut buffer) {
        let delay = match *mode.lock().unwrap() {
            Mode::Delays(delay) => delay,
            _ => Duration::ZERO,
        };
        pause(delay);
        wait_while_held(mode);
        let is_closed = *mode.lock().unwrap() == Mode::Refuses;
        if length == 0 || is_closed || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}
