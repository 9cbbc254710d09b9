use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Found in the extensions of a request with a body: how long a piece of it may take.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct BodyTimeout(pub(in crate::proxy) Duration);

/// Watches a body that somebody waits for.
///
/// Time runs only while the body is asked for and has nothing: that an upstream does not take it
/// is not the client's fault.
#[derive(Debug)]
pub(in crate::proxy) struct BodyWatch {
    timeout: Option<Duration>,
    /// Made by the first piece that is not there yet; most bodies come with their heads.
    clock: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

/// The error for a client that does not send the rest of a body.
#[derive(Debug)]
pub(in crate::proxy) struct BodyStalled;

impl BodyWatch {
    pub(in crate::proxy) fn new(timeout: Option<BodyTimeout>) -> Self {
        Self {
            timeout: timeout.map(|BodyTimeout(timeout)| timeout),
            clock: None,
            is_waiting: false,
        }
    }

    /// Returns what was polled, or an error if it was awaited for too long.
    pub(in crate::proxy) fn watch<T>(
        &mut self,
        polled: Poll<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, BodyStalled>> {
        let timeout = match (polled, self.timeout) {
            (Poll::Ready(frame), _) => {
                self.is_waiting = false;
                return Poll::Ready(Ok(frame));
            }
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Pending, Some(timeout)) => timeout,
        };
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(timeout)));
        if !self.is_waiting {
            self.is_waiting = true;
            clock.as_mut().reset(tokio::time::Instant::now() + timeout);
        }
        clock.as_mut().poll(cx).map(|()| Err(BodyStalled))
    }
}

impl fmt::Display for BodyStalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client did not send the rest of the body in time")
    }
}

impl std::error::Error for BodyStalled {}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{Instant, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_runs_while_a_piece_is_awaited() {
        let mut body = BodyWatch::new(Some(BodyTimeout(Duration::from_secs(30))));
        let began_at = Instant::now();
        for _ in 0..3 {
            // A piece in time, and then a pause in which nobody asks.
            poll_fn(|cx| {
                assert!(body.watch(Poll::<()>::Pending, cx).is_pending());
                Poll::Ready(())
            })
            .await;
            advance(Duration::from_secs(29)).await;
            let came = poll_fn(|cx| body.watch(Poll::Ready(()), cx)).await;
            assert!(came.is_ok());
            advance(Duration::from_secs(100)).await;
        }
        let waits_from = began_at.elapsed();
        let stalled = poll_fn(|cx| body.watch(Poll::<()>::Pending, cx)).await;
        assert!(stalled.is_err());
        assert_eq!((began_at.elapsed() - waits_from).as_secs(), 30);
    }
}
