use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::{Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::watch;
use tokio::time::Instant;

/// The open tunnels between clients and upstreams, and the order to end them.
#[derive(Clone)]
pub(crate) struct Tunnels(Arc<watch::Sender<bool>>);

impl Default for Tunnels {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Tunnels {
    /// Ends all tunnels, and those that would begin later.
    ///
    /// Waiting for their natural end could take for ever, and only the upstream could say goodbye
    /// in the tunnel's protocol.
    pub(crate) fn end(&self) {
        self.0.send_replace(true);
    }

    /// Passes bytes both ways once both sides are ready. The tunnel ends when both have ended, one
    /// broke, or neither sent anything for `idle`. `held` is dropped then.
    pub(super) fn open(
        &self,
        client: OnUpgrade,
        upstream: OnUpgrade,
        idle: Option<Duration>,
        held: impl Send + 'static,
    ) {
        let mut end = self.0.subscribe();
        tokio::spawn(async move {
            // Fails only when its sender is dropped, and `self` holds it; that would be the end as
            // well.
            let ended = end.wait_for(|has_ended| *has_ended);
            tokio::select! {
                passed = pass(client, upstream, idle) => if let Err(error) = passed {
                    tracing::debug!("a tunnel broke: {error}");
                },
                _ = ended => {}
            }
            drop(held);
        });
    }
}

async fn pass(client: OnUpgrade, upstream: OnUpgrade, idle: Option<Duration>) -> io::Result<()> {
    let both = async { tokio::try_join!(client, upstream) };
    let (client, upstream) = both.await.map_err(io::Error::other)?;
    talk(TokioIo::new(client), TokioIo::new(upstream), idle).await
}

async fn talk(
    client: impl AsyncRead + AsyncWrite,
    upstream: impl AsyncRead + AsyncWrite,
    idle: Option<Duration>,
) -> io::Result<()> {
    let (from_client, to_client) = split(client);
    let (from_upstream, to_upstream) = split(upstream);
    let activity = Activity::default();
    let both = async {
        tokio::try_join!(
            copy(from_client, to_upstream, &activity),
            copy(from_upstream, to_client, &activity),
        )
    };
    tokio::select! {
        ended = both => ended.map(|_| ()),
        () = activity.ceased(idle) => Ok(()),
    }
}

/// Copies bytes until the source ends or the other side takes no more. A side that takes no more
/// may still have sent something, such as the reason. So it is not an error here: the copy in the
/// other direction reads it.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            let _ = to.shutdown().await;
            return Ok(());
        }
        activity.note();
        if to.write_all(&buffer[..read]).await.is_err() || to.flush().await.is_err() {
            return Ok(());
        }
    }
}

/// When either side last sent something.
struct Activity(Mutex<Instant>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Activity {
    fn note(&self) {
        *self.last() = Instant::now();
    }

    async fn ceased(&self, idle: Option<Duration>) {
        let Some(idle) = idle else {
            return pending().await;
        };
        loop {
            let deadline = *self.last() + idle;
            if deadline <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    fn last(&self) -> MutexGuard<'_, Instant> {
        self.0.lock()
    }
}

/// Each tunnel has two.
const BUFFER_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{duplex, join};
    use tokio::sync::oneshot;

    use super::*;

    /// A server may respond and hang up on a client that is still sending.
    #[tokio::test]
    async fn the_last_words_of_who_takes_nothing_more_arrive() {
        let (mut client, stream) = duplex(1024);
        let (mut upstream, words) = duplex(1024);
        let (refuses, is_refused) = oneshot::channel();
        let deaf = Deaf(Some(refuses));
        let tunnel = tokio::spawn(talk(stream, join(words, deaf), None));
        client.write_all(b"still talking").await.unwrap();
        is_refused.await.unwrap();
        upstream.write_all(b"enough").await.unwrap();
        drop(upstream);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "enough");
        tunnel.await.unwrap().unwrap();
    }

    /// Takes nothing, and reports when it has refused something.
    struct Deaf(Option<oneshot::Sender<()>>);

    impl AsyncWrite for Deaf {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.take().unwrap().send(()).unwrap();
            Poll::Ready(Err(ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
