use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::endpoint::connection::Clock;
use super::upload::Sent;

/// When an upstream has to respond by.
///
/// The clock goes with the connection from one exchange to the next. A clock that fires for an
/// earlier exchange is reset then, which is rare. A clock for each exchange would have to be added
/// to the runtime's wheel and removed again.
#[derive(Default)]
pub(super) struct Deadline {
    /// None if there is no limit.
    limit: Option<Duration>,
    /// None until the request is sent.
    due: Option<Instant>,
    clock: Option<Clock>,
}

impl Deadline {
    /// For a request that is not sent yet; the time runs from then on.
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self::on(None, limit, None)
    }

    /// Uses the clock of an earlier exchange, if there is one. The time already runs for a request
    /// that is known to be sent.
    pub(super) fn on(
        clock: Option<Clock>,
        limit: Option<Duration>,
        sent_at: Option<Instant>,
    ) -> Self {
        let due = sent_at.zip(limit).map(|(at, limit)| at + limit);
        Self { limit, due, clock }
    }

    /// Completes when it is too late for a response.
    pub(super) fn poll(&mut self, sent: &mut Sent, cx: &mut Context<'_>) -> Poll<()> {
        let Some(limit) = self.limit else {
            return Poll::Pending;
        };
        let due = match self.due {
            Some(due) => due,
            None => {
                ready!(sent.poll_over(cx));
                *self.due.insert(Instant::now() + limit)
            }
        };
        let clock = &mut self.clock;
        let clock = clock.get_or_insert_with(|| Box::pin(sleep_until(due)));
        // The clock may have been set by another route with a longer limit.
        if clock.deadline() > due {
            clock.as_mut().reset(due);
        }
        loop {
            ready!(clock.as_mut().poll(cx));
            if clock.deadline() >= due {
                return Poll::Ready(());
            }
            clock.as_mut().reset(due);
        }
    }

    pub(super) fn take_clock(&mut self) -> Option<Clock> {
        self.clock.take()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{advance, timeout};

    use super::*;

    async fn rings(deadline: &mut Deadline) -> Duration {
        let from = Instant::now();
        let mut sent = Sent::NOTHING;
        poll_fn(|cx| deadline.poll(&mut sent, cx)).await;
        from.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn each_exchange_on_a_clock_has_the_whole_time() {
        let mut clock = None;
        // One after the other on the same connection, as different routes may use it.
        for (seconds, is_sent) in [
            (60, false),
            (60, true),
            (600, false),
            (1, true),
            (60, false),
        ] {
            let limit = Duration::from_secs(seconds);
            let sent_at = || is_sent.then(Instant::now);
            let mut deadline = Deadline::on(clock.take(), Some(limit), sent_at());
            let early = timeout(limit / 2, rings(&mut deadline)).await;
            assert!(early.is_err(), "it is answered by then");
            clock = deadline.take_clock();
            assert!(clock.is_some());
            let mut deadline = Deadline::on(clock.take(), Some(limit), sent_at());
            assert_eq!(rings(&mut deadline).await, limit);
            clock = deadline.take_clock();
            // A response that is there at once leaves the clock as it is.
            let mut deadline = Deadline::on(clock.take(), Some(limit), sent_at());
            let early = timeout(Duration::ZERO, rings(&mut deadline)).await;
            assert!(early.is_err(), "it is answered by then");
            clock = deadline.take_clock();
            advance(limit / 4).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_is_too_late() {
        for sent_at in [None, Some(Instant::now())] {
            let mut deadline = Deadline::on(None, None, sent_at);
            let year = Duration::from_secs(365 * 24 * 3600);
            assert!(timeout(year, rings(&mut deadline)).await.is_err());
        }
    }
}
