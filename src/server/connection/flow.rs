//! Streams of HTTP/2 whose client takes no data.
//!
//! A client that reads its socket but keeps the window of a stream shut holds a response, and an
//! upstream connection with it, for as long as it likes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use parking_lot::Mutex;
use pin_project::pin_project;
use tokio::task;
use tokio::time::{Instant, Sleep, sleep};

use crate::server::drain::Drain;

/// Whether one response waits for its client, as its body reports.
#[derive(Debug, Default)]
pub(in crate::server) struct Flow {
    has_piece: AtomicBool,
    pieces: AtomicU64,
}

/// Runs the streams of one connection.
#[derive(Clone, Debug)]
pub(in crate::server) struct Streams {
    stall: Duration,
    /// Held by each stream: the server has not stopped while a stream is still to be dropped.
    drain: Arc<Drain>,
    /// hyper calls the service and then spawns the stream, without a pause. So the flow that the
    /// service leaves here belongs to the stream that the same task runs next. Upgraded streams
    /// (RFC 8441) are run from tasks of their own.
    next: Arc<Mutex<Option<(Option<task::Id>, Arc<Flow>)>>>,
}

/// A stream that is reset when its client takes nothing for too long.
#[pin_project]
struct Stream<F> {
    #[pin]
    inner: F,
    flow: Option<Arc<Flow>>,
    stall: Duration,
    /// Made when a response waits for the first time; most never do.
    clock: Option<Pin<Box<Sleep>>>,
    waits_with: Option<u64>,
    _drain: Arc<Drain>,
}

impl Flow {
    /// A piece was taken from the body, and has to reach the client.
    pub(in crate::server) fn has_piece(&self) {
        self.pieces.fetch_add(1, Ordering::Relaxed);
        self.has_piece.store(true, Ordering::Relaxed);
    }

    /// The client has taken everything that was available.
    pub(in crate::server) fn has_nothing(&self) {
        self.has_piece.store(false, Ordering::Relaxed);
    }

    fn waiting_piece(&self) -> Option<u64> {
        let has_piece = self.has_piece.load(Ordering::Relaxed);
        has_piece.then(|| self.pieces.load(Ordering::Relaxed))
    }
}

impl Streams {
    pub(in crate::server) fn new(stall: Duration, drain: Drain) -> Self {
        Self {
            stall,
            drain: Arc::new(drain),
            next: Arc::default(),
        }
    }

    /// Makes the flow of the stream that runs next.
    pub(in crate::server) fn begin(&self) -> Arc<Flow> {
        let flow = Arc::new(Flow::default());
        let next = (task::try_id(), Arc::clone(&flow));
        *self.next.lock() = Some(next);
        flow
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let next = &mut *self.next.lock();
        let flow = next.take_if(|(task, _)| *task == task::try_id());
        // The stream ends with its connection: whatever it waits for fails then.
        tokio::spawn(Stream {
            inner: stream,
            flow: flow.map(|(_, flow)| flow),
            stall: self.stall,
            clock: None,
            waits_with: None,
            _drain: Arc::clone(&self.drain),
        });
    }
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.inner.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let waits_with = this.flow.as_ref().and_then(|flow| flow.waiting_piece());
        let is_new = *this.waits_with != waits_with;
        *this.waits_with = waits_with;
        if waits_with.is_none() {
            return Poll::Pending;
        }
        let stall = *this.stall;
        let clock = this.clock.get_or_insert_with(|| Box::pin(sleep(stall)));
        if is_new {
            clock.as_mut().reset(Instant::now() + stall);
        }
        // Dropping a stream resets it.
        clock.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::server::drain::Drainage;

    #[tokio::test]
    async fn what_a_stream_becomes_takes_no_other_streams_flow() {
        let streams = Streams::new(Duration::from_secs(1), Drainage::new().watch());
        let has_next = || streams.next.lock().is_some();
        streams.begin();
        let upgrade = streams.clone();
        let stream = tokio::spawn(async move { upgrade.execute(pending()) });
        stream.await.unwrap();
        assert!(has_next());
        streams.execute(ready(()));
        assert!(!has_next());
    }
}
