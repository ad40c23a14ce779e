//! How a server stops: nobody who has come is sent away, and nobody comes any more.

use std::{net::TcpListener, time::Duration};

use actix_web::dev::ServerHandle;
use socket2::Socket;

use crate::{
    error::{Error, Result},
    state::State,
};

/// How long who has come has to say what for. A connection that nothing is known of may have its request on the way.
const LAST_WORDS: Duration = Duration::from_millis(150);

/// Where clients come in.
pub(super) struct Door(Socket);

impl Door {
    /// Takes hold of what listens, beside the server that accepts there.
    pub(super) fn of(listener: &TcpListener) -> Result<Self> {
        listener.try_clone().map(|listener| Self(listener.into())).map_err(Error::internal)
    }

    /// Lets nobody in any more, and those who are in stay. Closing a listener breaks the connections that wait to be accepted,
    /// on which requests may have been sent; so new ones are dropped first, unanswered, as if on the way. Their clients try
    /// again a second later, and find that nobody listens, or somebody else.
    fn shut(&self) {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        {
            /// A program of one instruction for what arrives: `BPF_RET | BPF_K`, take no byte of it.
            const TAKE_NOTHING: [socket2::SockFilter; 1] = [socket2::SockFilter::new(0x06, 0, 0, 0)];
            if let Err(error) = self.0.attach_filter(&TAKE_NOTHING) {
                tracing::debug!(%error, "New connections could not be kept out; who comes just now is sent away");
            }
        }
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        let _ = &self.0;
    }
}

/// On SIGTERM says "not ready" for a while, so that a balancer looks elsewhere, then stops; on SIGINT, which comes from
/// a person at a terminal, stops at once.
pub(super) async fn on_signal(handle: ServerHandle, door: Door, state: State) {
    let signal = wait_for_signal().await;
    tracing::info!("Stopping: finishing the requests that have begun");
    state.readiness.close();
    if signal == Signal::Terminate {
        tokio::time::sleep(Duration::from_secs(state.config.http.drain_seconds)).await;
    }
    door.shut();
    // The server drops what it has accepted and not begun with.
    tokio::time::sleep(LAST_WORDS).await;
    drop(door);
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
