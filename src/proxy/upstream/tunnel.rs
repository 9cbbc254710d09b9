use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::Instant;

/// What goes on between clients and upstreams when HTTP has ended there, and the end of it.
#[derive(Clone)]
pub(in crate::proxy) struct Tunnels(Arc<watch::Sender<bool>>);

impl Default for Tunnels {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Tunnels {
    /// Ends all of them, and those that would begin later.
    ///
    /// To let them go on until they end by themselves would be to wait for ever, and only the
    /// upstream could say goodbye in the protocol that they speak.
    pub(in crate::proxy) fn end(&self) {
        self.0.send_replace(true);
    }

    /// Passes bytes both ways from when both sides are ready, until both have ended, or one broke,
    /// or neither said anything for too long. What is `held` is dropped then.
    pub(super) fn open(&self, client: OnUpgrade, upstream: OnUpgrade, held: impl Send + 'static) {
        let mut end = self.0.subscribe();
        tokio::spawn(async move {
            // Fails only with its sender, which `self` has; then it is the end as well.
            let ended = end.wait_for(|has_ended| *has_ended);
            tokio::select! {
                passed = pass(client, upstream) => if let Err(error) = passed {
                    tracing::debug!("a tunnel broke: {error}");
                },
                _ = ended => {}
            }
            drop(held);
        });
    }
}

async fn pass(client: OnUpgrade, upstream: OnUpgrade) -> io::Result<()> {
    let both = async { tokio::try_join!(client, upstream) };
    let (client, upstream) = both.await.map_err(io::Error::other)?;
    let (from_client, to_client) = split(TokioIo::new(client));
    let (from_upstream, to_upstream) = split(TokioIo::new(upstream));
    let activity = Activity::default();
    let both = async {
        tokio::try_join!(
            copy(from_client, to_upstream, &activity),
            copy(from_upstream, to_client, &activity),
        )
    };
    tokio::select! {
        ended = both => ended.map(|_| ()),
        () = activity.ceased() => Ok(()),
    }
}

type Io = TokioIo<Upgraded>;

async fn copy(
    mut from: ReadHalf<Io>,
    mut to: WriteHalf<Io>,
    activity: &Activity,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        activity.note();
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
    }
}

/// When somebody last said something.
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

    async fn ceased(&self) {
        loop {
            let deadline = *self.last() + IDLE_TIMEOUT;
            if deadline <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    fn last(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// WebSocket libraries send pings every 20 to 60 s. Tools that do not are used to nginx's minute,
/// so that this ends what is dead and little else.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Each tunnel has two.
const BUFFER_BYTES: usize = 8 * 1024;
