use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::Clock;
use super::upload::Sent;

/// Until when an upstream has to answer.
///
/// The clock goes with the connection from one exchange to the next. One that rings for an exchange
/// long over is set anew when it does, once in a while, where a clock for each exchange would have
/// to be put into the runtime's wheel and taken out again.
#[derive(Default)]
pub(super) struct Deadline {
    /// None until the request is sent.
    due: Option<Instant>,
    clock: Option<Clock>,
}

impl Deadline {
    /// Uses a clock that no other exchange uses any more, if there is one. The time runs already
    /// for a request that is known to be sent.
    pub(super) fn on(clock: Option<Clock>, sent_at: Option<Instant>) -> Self {
        let due = sent_at.map(|at| at + RESPONSE_TIMEOUT);
        Self { due, clock }
    }

    /// Completes when it is too late for an answer.
    pub(super) fn poll(&mut self, sent: &mut Sent, cx: &mut Context<'_>) -> Poll<()> {
        let due = match self.due {
            Some(due) => due,
            None => {
                ready!(sent.poll_over(cx));
                *self.due.insert(Instant::now() + RESPONSE_TIMEOUT)
            }
        };
        let clock = &mut self.clock;
        let clock = clock.get_or_insert_with(|| Box::pin(sleep_until(due)));
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

/// What tools behind proxies are used to from nginx's `proxy_read_timeout`. It runs from the end of
/// the request's body to the head of the response; bodies may take as long as they take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

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
        for is_sent in [false, true, false] {
            let sent_at = || is_sent.then(Instant::now);
            let mut deadline = Deadline::on(clock.take(), sent_at());
            let early = timeout(RESPONSE_TIMEOUT / 2, rings(&mut deadline)).await;
            assert!(early.is_err(), "it is answered by then");
            clock = deadline.take_clock();
            assert!(clock.is_some());
            let mut deadline = Deadline::on(clock.take(), sent_at());
            assert_eq!(rings(&mut deadline).await, RESPONSE_TIMEOUT);
            clock = deadline.take_clock();
            advance(2 * RESPONSE_TIMEOUT).await;
        }
    }
}
