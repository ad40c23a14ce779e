//! A connection that does not wait for its client for ever.
//!
//! The framework bounds how long a first request may take to arrive, and the readers of bodies how slowly one may come. What
//! is left is here, below HTTP: a client that does not take what it is answered, and one that begins a request on a
//! connection that was used before and does not end it. Knows bytes and times, nothing of requests.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// How many bytes a second a client has to take while there is something to take.
const LEAST_BYTES_A_SECOND: u64 = 1024;

/// How long it may take from the first byte that a client sends to the first byte of an answer: longer than a body may take
/// to arrive and the work on it together.
const ANSWERED_WITHIN: Duration = Duration::from_secs(90);

/// How much of an answer waits in the kernel for a client that does not take it. Without a bound that is megabytes, and the
/// server sees late or never that nobody reads.
const UNSENT_BYTES: u32 = 128 * 1024;

/// A connection, and what it waits for.
#[derive(Debug)]
pub struct Connection<T> {
    io: T,
    patience: Duration,
    /// While the client does not take what there is for it.
    stall: Option<Stall>,
    /// Since when the client has sent something and was not answered.
    asked_at: Option<Instant>,
    /// When to look at that again.
    look: Option<Pin<Box<Sleep>>>,
}

/// A time in which a client has to take something.
#[derive(Debug)]
struct Stall {
    ends: Pin<Box<Sleep>>,
    n_taken: u64,
}

impl<T> Connection<T> {
    /// Wraps a connection; its client may take less than it should for so long.
    pub fn new(io: T, patience: Duration) -> Self {
        Self { io, patience, stall: None, asked_at: None, look: None }
    }

    /// Notes that the client has to wait for nothing, and took so many bytes.
    fn took(&mut self, n: usize) {
        self.asked_at = None;
        if let Some(stall) = &mut self.stall {
            stall.n_taken = stall.n_taken.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        }
    }

    /// Waits for the client to take more, unless it has taken too little for too long.
    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let stall =
            self.stall.get_or_insert_with(|| Stall { ends: Box::pin(tokio::time::sleep(patience)), n_taken: 0 });
        while stall.ends.as_mut().poll(cx).is_ready() {
            if stall.n_taken < LEAST_BYTES_A_SECOND.saturating_mul(patience.as_secs().max(1)) {
                tracing::debug!(bytes = stall.n_taken, "A client does not take its answer; its connection is closed");
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            stall.n_taken = 0;
            stall.ends.as_mut().reset(Instant::now() + patience);
        }
        Poll::Pending
    }

    /// Fails when the client has been sending a request for too long. Looks now and then, and not at each request: setting a
    /// timer for each would cost more than all the rest here.
    fn check_request(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(asked_at) = self.asked_at else { return Ok(()) };
        let look = self.look.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(asked_at + ANSWERED_WITHIN)));
        while look.as_mut().poll(cx).is_ready() {
            if asked_at.elapsed() >= ANSWERED_WITHIN {
                tracing::debug!("A client does not end its request; its connection is closed");
                return Err(io::ErrorKind::TimedOut.into());
            }
            look.as_mut().reset(asked_at + ANSWERED_WITHIN);
        }
        Ok(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.io).poll_read(cx, buffer);
        if polled.is_pending() {
            this.check_request(cx)?;
        } else if buffer.filled().len() > before && this.asked_at.is_none() {
            this.asked_at = Some(Instant::now());
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_write(cx, bytes) {
            Poll::Ready(Ok(n)) => {
                this.took(n);
                Poll::Ready(Ok(n))
            }
            Poll::Pending => this.poll_stall(cx),
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Asked for when there is nothing left to write.
        this.stall = None;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// Tells the kernel how patient to be with a client, where it can be told: with what it holds for one that takes nothing at
/// all, also after the server has handed everything over.
pub fn tune(socket: &actix_web::rt::net::TcpStream, patience: Duration) {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        let socket = socket2::SockRef::from(socket);
        // A connection that cannot be told is as good as any other; it is cut later.
        let told = socket.set_tcp_user_timeout(Some(patience)).and(socket.set_tcp_notsent_lowat(UNSENT_BYTES));
        if let Err(error) = told {
            tracing::debug!(%error, "A connection could not be tuned");
        }
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = (socket, patience, UNSENT_BYTES);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn pair() -> (Connection<DuplexStream>, DuplexStream) {
        let (io, client) = duplex(1000);
        (Connection::new(io, PATIENCE), client)
    }

    fn is_late<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut connection, _client) = pair();
        let started = Instant::now();

        assert!(is_late(connection.write_all(&[0; 2000]).await));

        assert_eq!(started.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_too_little_is_given_up_and_one_that_takes_enough_is_not() {
        for (bytes, is_cut) in [(100, true), (1000, true), (1100, false)] {
            let (io, mut client) = duplex(10_000);
            let mut connection = Connection::new(io, PATIENCE);
            let reader = tokio::spawn(async move {
                let mut buffer = vec![0; bytes];
                while client.read_exact(&mut buffer).await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });

            let written = connection.write_all(&vec![0; 50_000]).await;

            assert_eq!(is_late(written), is_cut, "{bytes} a second");
            drop(connection);
            reader.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_took_everything_may_be_silent() {
        let (mut connection, mut client) = pair();
        connection.write_all(&[0; 900]).await.unwrap();
        connection.flush().await.unwrap();
        tokio::time::sleep(PATIENCE * 10).await;
        client.read_exact(&mut [0; 900]).await.unwrap();

        connection.write_all(&[0; 900]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_end_is_given_up_however_slowly_it_goes_on() {
        let (mut connection, mut client) = pair();
        // One that is answered, long before.
        client.write_all(b"GET").await.unwrap();
        connection.read_exact(&mut [0; 3]).await.unwrap();
        connection.write_all(b"200").await.unwrap();
        let idle = tokio::time::timeout(ANSWERED_WITHIN * 3, connection.read_u8()).await;
        assert!(idle.is_err(), "who asks nothing may wait");
        let started = Instant::now();
        let writer = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(7)).await;
            }
        });

        let mut buffer = Vec::new();
        assert!(is_late(connection.read_to_end(&mut buffer).await));

        assert!((90..98).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
        drop(connection);
        writer.await.unwrap();
    }
}
