//! Makes sure that a connection ends.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::{Activity, Overdue};
use crate::server::drain::Drain;

/// Why a connection ended, if not normally.
#[derive(Debug)]
pub(in crate::server) enum Ended<E> {
    Failed(E),
    Overdue(Overdue),
}

/// The event that happens first.
enum Event<R> {
    Ended(R),
    Overdue(Overdue),
    Draining,
}

/// Runs a connection until it ends, its client is too slow, or it has drained.
///
/// `close` asks it to end after the requests under way. It is borrowed, because a future keeps the
/// room of a value that was moved into it: a connection would have three times its size.
pub(in crate::server) async fn supervise<C, E>(
    mut connection: Pin<&mut C>,
    close: impl Fn(Pin<&mut C>),
    activity: &Activity,
    drain: &Drain,
    closes_at_once: bool,
) -> Result<(), Ended<E>>
where
    C: Future<Output = Result<(), E>>,
{
    let mut clock = pin!(sleep_until(Instant::now() + activity.timeouts().head));
    let mut is_draining = false;
    let mut is_closing = false;
    loop {
        let event = tokio::select! {
            biased;
            event = next(connection.as_mut(), clock.as_mut(), activity) => event,
            () = drain.ordered(), if !is_draining => Event::Draining,
        };
        match event {
            Event::Ended(result) => return result.map_err(Ended::Failed),
            Event::Draining => {
                is_draining = true;
                activity.drain();
                if closes_at_once {
                    close(connection.as_mut());
                }
            }
            Event::Overdue(Overdue::NextRequest) if !is_closing => {
                is_closing = true;
                close(connection.as_mut());
                clock.as_mut().reset(Instant::now() + GOODBYE);
            }
            Event::Overdue(overdue) => return Err(Ended::Overdue(overdue)),
        }
    }
}

/// Polls a connection and checks the clock after each step, because each step can change the
/// deadline.
async fn next<C, E>(
    mut connection: Pin<&mut C>,
    mut clock: Pin<&mut Sleep>,
    activity: &Activity,
) -> Event<Result<(), E>>
where
    C: Future<Output = Result<(), E>>,
{
    std::future::poll_fn(|cx| {
        if let Poll::Ready(result) = connection.as_mut().poll(cx) {
            return Poll::Ready(Event::Ended(result));
        }
        loop {
            let due = activity.due();
            // Resetting a timer costs more than this check, so a timer that fires too early stays
            // as it is.
            if let Some((at, _)) = due
                && at < clock.deadline()
            {
                clock.as_mut().reset(at);
            }
            ready!(clock.as_mut().poll(cx));
            let now = Instant::now();
            match due {
                Some((at, overdue)) if at <= now => return Poll::Ready(Event::Overdue(overdue)),
                Some((at, _)) => clock.as_mut().reset(at),
                // A request may end in another task without waking this one.
                None => clock.as_mut().reset(now + activity.timeouts().keep_alive),
            }
        }
    })
    .await
}

impl<E: fmt::Display> fmt::Display for Ended<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Overdue(overdue) => overdue.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for Ended<E> {}

/// For the last frames of a connection that was told to close.
const GOODBYE: Duration = Duration::from_secs(1);
