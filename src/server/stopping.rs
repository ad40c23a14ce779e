//! How a server stops: nobody comes any more, and who has come is answered.

use std::{net::TcpListener, time::Duration};

use actix_web::dev::ServerHandle;
use socket2::Socket;

use crate::{
    error::{Error, Result},
    state::State,
};

/// How long who has come has to say what for: time for connections that are being made to be accepted, and then for their
/// requests to be read.
const LAST_WORDS: Duration = Duration::from_millis(150);

/// Where clients come in.
pub(super) struct Entrance(Socket);

impl Entrance {
    /// Takes hold of what listens, beside the server that accepts there.
    pub(super) fn of(listener: &TcpListener) -> Result<Self> {
        listener.try_clone().map(|listener| Self(listener.into())).map_err(Error::internal)
    }

    /// Lets nobody in any more, and those who are in stay. Closing a listener breaks the connections that wait to be
    /// accepted, on which requests may have been sent. So what asks for a new one is dropped first, as if it had been lost on
    /// the way: clients ask again a second later, and find that nobody listens, or somebody else.
    fn shut(&self) {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        {
            use socket2::SockFilter;
            /// A program for the kernel, about each segment that arrives.
            const NO_SYN: [SockFilter; 4] = [
                // BPF_LD | BPF_B | BPF_ABS: its flags,
                SockFilter::new(0x30, 0, 0, 13),
                // BPF_JMP | BPF_JSET | BPF_K: of which SYN asks for a connection;
                SockFilter::new(0x45, 0, 1, 0x02),
                // BPF_RET | BPF_K: no byte of that is taken,
                SockFilter::new(0x06, 0, 0, 0),
                // and all of the others.
                SockFilter::new(0x06, 0, 0, u32::MAX),
            ];
            if let Err(error) = self.0.attach_filter(&NO_SYN) {
                tracing::debug!(%error, "New connections could not be kept out; who comes just now is sent away");
            }
        }
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        let _ = &self.0;
    }
}

/// On SIGTERM says "not ready" for a while, so that a balancer looks elsewhere, then stops; on SIGINT, which comes from
/// a person at a terminal, stops at once.
pub(super) async fn on_signal(handle: ServerHandle, entrance: Entrance, state: State) {
    let signal = wait_for_signal().await;
    tracing::info!("Stopping: finishing the requests that have begun");
    state.readiness.close();
    if signal == Signal::Terminate {
        tokio::time::sleep(Duration::from_secs(state.config.http.drain_seconds)).await;
    }
    entrance.shut();
    // The server drops what it has accepted and not begun with.
    tokio::time::sleep(LAST_WORDS).await;
    drop(entrance);
    handle.stop(true).await;
}

/// Waits until connections on which nothing is asked are to end, once the server stops.
pub(super) async fn after_last_words(stops: impl Future<Output = ()>) {
    stops.await;
    tokio::time::sleep(LAST_WORDS).await;
}

/// What told the server to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Interrupt,
    Terminate,
}

async fn wait_for_signal() -> Signal {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            return tokio::select! {
                _ = terminate.recv() => Signal::Terminate,
                _ = interrupt.recv() => Signal::Interrupt,
            };
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        return Signal::Interrupt;
    }
    std::future::pending().await
}
