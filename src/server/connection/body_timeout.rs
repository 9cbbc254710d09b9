use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::server::timeouts::Timeouts;

/// In the extensions of a request with a body: how long the body may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyTimeout {
    /// For each piece.
    piece: Duration,
    /// For all pieces together.
    end: Option<Instant>,
}

/// Enforces the timeouts of a request's body while it is read.
///
/// The time for a piece runs only while the body is polled and has nothing. An upstream that does
/// not take the body is not the client's fault.
#[derive(Debug)]
pub(crate) struct BodyWatch {
    timeout: Option<BodyTimeout>,
    /// Made by the first piece that has not arrived yet; most bodies arrive with their heads.
    clock: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

/// The error for a client that does not send the rest of a body.
#[derive(Debug)]
pub(crate) struct BodyStalled;

impl BodyTimeout {
    /// For a request whose head has just arrived.
    pub(in crate::server) fn new(timeouts: &Timeouts) -> Self {
        Self {
            piece: timeouts.body,
            end: timeouts.body_total.map(|total| Instant::now() + total),
        }
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }
}

impl BodyWatch {
    pub(crate) fn new(timeout: Option<BodyTimeout>) -> Self {
        Self {
            timeout,
            clock: None,
            is_waiting: false,
        }
    }

    /// Returns the polled value, or an error if the wait for it was too long.
    pub(crate) fn watch<T>(
        &mut self,
        polled: Poll<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, BodyStalled>> {
        let timeout = match (polled, self.timeout) {
            // A client that never pauses would not reach the check below.
            (_, Some(timeout)) if timeout.is_over() => return Poll::Ready(Err(BodyStalled)),
            (Poll::Ready(frame), _) => {
                self.is_waiting = false;
                return Poll::Ready(Ok(frame));
            }
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Pending, Some(timeout)) => timeout,
        };
        let piece = Instant::now() + timeout.piece;
        let due = timeout.end.map_or(piece, |end| end.min(piece));
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if !self.is_waiting {
            self.is_waiting = true;
            clock.as_mut().reset(due);
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

    use tokio::time::advance;

    use super::*;

    fn watch(body_total: Option<Duration>) -> BodyWatch {
        let times = Timeouts {
            body_total,
            ..Timeouts::default()
        };
        BodyWatch::new(Some(BodyTimeout::new(&times)))
    }

    /// A piece in time, then a pause in which the body is not polled.
    async fn piece(body: &mut BodyWatch, after: u64, pause: u64) -> Result<(), BodyStalled> {
        poll_fn(|cx| {
            assert!(body.watch(Poll::<()>::Pending, cx).is_pending());
            Poll::Ready(())
        })
        .await;
        advance(Duration::from_secs(after)).await;
        let came = poll_fn(|cx| body.watch(Poll::Ready(()), cx)).await;
        advance(Duration::from_secs(pause)).await;
        came
    }

    async fn stalls_after(body: &mut BodyWatch) -> u64 {
        let waits_from = Instant::now();
        let stalled = poll_fn(|cx| body.watch(Poll::<()>::Pending, cx)).await;
        assert!(stalled.is_err());
        waits_from.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn e3_time_runs_while_a_piece_is_awaited() {
        let mut body = watch(None);
        for _ in 0..3 {
            assert!(piece(&mut body, 29, 100).await.is_ok());
        }
        assert_eq!(stalls_after(&mut body).await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn e3_the_whole_has_its_time_however_it_comes() {
        let total = Some(Duration::from_secs(100));
        let mut body = watch(total);
        assert!(piece(&mut body, 29, 0).await.is_ok());
        assert!(piece(&mut body, 29, 20).await.is_ok());
        assert_eq!(stalls_after(&mut body).await, 22);

        let mut body = watch(total);
        assert!(piece(&mut body, 29, 100).await.is_ok());
        let late = poll_fn(|cx| body.watch(Poll::Ready(()), cx)).await;
        assert!(late.is_err(), "though there is another piece");
    }
}
