use std::mem;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::Inner;
use super::addresses::Addresses;
use super::body::Body;
use super::deadline::Deadline;
use super::endpoint::Lease;
use super::endpoint::connection::{Sending, Unanswered, Wanted};
use super::endpoint::spare::Spare;
use super::endpoint::wire::Unasked;
use super::failure::Failure;
use super::redirects::Told;
use super::upload::{Sent, Upload};
use super::websocket::Handshake;
use crate::hygiene::names::X_FORWARDED_FOR;
use crate::network::network;
use crate::rejection::RejectionKind;

/// A request to an upstream, until the head of its response has arrived.
///
/// Every request has one, so it is written as a state machine: an async block would have room for
/// much of what it awaits twice.
///
/// # Cancel safety
///
/// Dropping it ends the exchange: HTTP/1.1 closes the connection for that.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Exchange {
    upstream: Arc<Inner>,
    began_at: Instant,
    stage: Stage,
    sent: Sent,
    handshake: Option<Box<Handshake>>,
    told: Option<Box<Told>>,
    deadline: Deadline,
}

/// A request for an upstream.
pub(super) struct Outgoing {
    pub(super) request: Request<Upload>,
    pub(super) sent: Sent,
    /// The client's part of a WebSocket handshake, if it is one.
    pub(super) handshake: Option<Box<Handshake>>,
    /// The context for rewriting the response, if it is rewritten.
    pub(super) told: Option<Box<Told>>,
}

/// An upstream's response, and its connection.
pub(super) type Answered = Result<(Response<Incoming>, Lease), Failure>;

enum Stage {
    /// Nothing is sent.
    Refused(RejectionKind),
    /// Sent over an existing connection.
    Sent(Sending, Lease, Option<Spare>),
    /// Waiting for a new connection.
    Afresh(Connecting),
    Over,
}

/// Completes when the request is sent over a new connection, or one that is free first.
///
/// Boxed, because it is rare and large. It is dropped before the wait for the response, which takes
/// longer.
type Connecting = Pin<Box<dyn Future<Output = Result<Stage, Failure>> + Send>>;

/// A request without a response.
enum Lost {
    /// None of it was written.
    Unsent(Box<Request<Upload>>),
    /// It may have arrived; with its copy, if it may be sent twice.
    Unanswered(Box<Unanswered>, Option<Spare>),
}

impl Exchange {
    pub(super) fn refused(upstream: Arc<Inner>, kind: RejectionKind) -> Self {
        Self {
            upstream,
            began_at: Instant::now(),
            stage: Stage::Refused(kind),
            sent: Sent::NOTHING,
            handshake: None,
            told: None,
            deadline: Deadline::default(),
        }
    }

    /// Sends a request, at once if there is a connection.
    pub(super) fn begin(upstream: Arc<Inner>, outgoing: Outgoing) -> Self {
        let wanted = match &outgoing.handshake {
            Some(_) => Wanted::FreshHttp1,
            None => Wanted::Any,
        };
        let now = Instant::now();
        let addresses = &upstream.addresses;
        let used = (wanted == Wanted::Any).then(|| addresses.used(now));
        let limit = upstream.timeouts.response;
        let mut deadline = Deadline::new(limit);
        let stage = match used.flatten() {
            Some(mut lease) => {
                let sent_at = outgoing.sent.is_nothing().then_some(now);
                deadline = Deadline::on(lease.take_clock(), limit, sent_at);
                Stage::sent(addresses, lease, outgoing.request)
            }
            None => Stage::afresh(addresses, outgoing.request, wanted),
        };
        Self {
            upstream,
            began_at: now,
            stage,
            sent: outgoing.sent,
            handshake: outgoing.handshake,
            told: outgoing.told,
            deadline,
        }
    }

    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        loop {
            let answered = match &mut self.stage {
                Stage::Afresh(connecting) => {
                    self.stage = ready!(connecting.as_mut().poll(cx))?;
                    continue;
                }
                Stage::Sent(sending, ..) => ready!(sending.as_mut().poll(cx)),
                Stage::Refused(_) | Stage::Over => panic!("Exchange polled after completion"),
            };
            let Stage::Sent(_, lease, spare) = mem::replace(&mut self.stage, Stage::Over) else {
                unreachable!("it was polled");
            };
            match answered {
                Ok(response) => return Poll::Ready(Ok((response, lease))),
                Err(unanswered) => {
                    let lost = Lost::Unanswered(Box::new(unanswered), spare);
                    self.stage = Stage::again(&self.upstream.addresses, lost, lease);
                }
            }
        }
    }
}

impl Future for Exchange {
    type Output = Result<Response<Body>, RejectionKind>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Stage::Refused(kind) = this.stage {
            return Poll::Ready(Err(kind));
        }
        let mut answered = match this.poll_answered(cx) {
            Poll::Ready(answered) => answered,
            Poll::Pending => {
                ready!(this.deadline.poll(&mut this.sent, cx));
                Err(Failure::ResponseTimeout)
            }
        };
        if let Ok((_, lease)) = &mut answered {
            lease.answered(this.deadline.take_clock());
        }
        // The exchange with this upstream is over, so nothing is awaited any more.
        this.stage = Stage::Over;
        let sent = mem::replace(&mut this.sent, Sent::NOTHING);
        let (handshake, told) = (this.handshake.take(), this.told.take());
        let elapsed = this.began_at.elapsed();
        let upstream = &this.upstream;
        Poll::Ready(upstream.pass_on(answered, elapsed, sent, handshake, told))
    }
}

impl Stage {
    fn sent(addresses: &Addresses, lease: Lease, request: Request<Upload>) -> Self {
        let spare = lease.was_used().then(|| Spare::of(&request)).flatten();
        match lease.send(request) {
            Ok(sending) => Self::Sent(sending, lease, spare),
            Err(unsent) => Self::again(addresses, Lost::Unsent(unsent), lease),
        }
    }

    fn afresh(addresses: &Addresses, request: Request<Upload>, wanted: Wanted) -> Self {
        Self::Afresh(Box::pin(send_afresh(addresses.clone(), request, wanted)))
    }

    fn again(addresses: &Addresses, lost: Lost, lease: Lease) -> Self {
        Self::Afresh(Box::pin(send_again(addresses.clone(), lost, lease)))
    }
}

/// Sends a request over a new connection, or one that is free first.
async fn send_afresh(
    addresses: Addresses,
    request: Request<Upload>,
    wanted: Wanted,
) -> Result<Stage, Failure> {
    let lease = addresses.connect(wanted, client_of(&request)).await?;
    Ok(Stage::sent(&addresses, lease, request))
}

/// Sends a lost request once more, if that can do no harm. There is no third time: a request that
/// is lost on a fresh connection is not sent again.
async fn send_again(addresses: Addresses, lost: Lost, lease: Lease) -> Result<Stage, Failure> {
    let request = lost.request(lease.was_used())?;
    drop(lease);
    send_afresh(addresses, request, Wanted::Fresh).await
}

/// Returns the client of a request. `X-Forwarded-For` holds only trusted addresses here, and the
/// client's is the first.
fn client_of(request: &Request<Upload>) -> Option<IpAddr> {
    let way = request.headers().get(&X_FORWARDED_FOR)?.to_str().ok()?;
    let client = way.split(',').next()?.trim().parse().ok()?;
    Some(network(client))
}

impl Lost {
    /// Returns the request if it may be sent again: the upstream may have been about to close a
    /// connection that `was_used` before.
    fn request(self, was_used: bool) -> Result<Request<Upload>, Failure> {
        match self {
            Self::Unsent(request) if was_used => Ok(*request),
            Self::Unsent(_) => Err(Failure::connect(CLOSED_AT_ONCE)),
            Self::Unanswered(mut failed, spare) => match failed.take_message() {
                Some(unsent) if was_used => Ok(unsent),
                _ => match spare.filter(|_| is_hang_up(failed.error())) {
                    Some(spare) => Ok(spare.into_request()),
                    None => Err(Failure::Broken(failed.into_error())),
                },
            },
        }
    }
}

/// Returns whether the upstream closed the connection, as it may at any time between two exchanges,
/// and not whether its response was invalid.
fn is_hang_up(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_io(error)
}

fn is_io(error: &hyper::Error) -> bool {
    use std::error::Error;
    let source = error.source().and_then(|source| source.downcast_ref());
    source.is_some_and(|error| Unasked::of(error) != Some(Unasked::Endless))
}

const CLOSED_AT_ONCE: &str = "the upstream closed the connection before anything was sent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sent_goes_over_another_connection_unless_that_was_new() {
        let lost = || Lost::Unsent(Box::new(Request::new(Upload::EMPTY)));
        assert!(lost().request(true).is_ok());
        assert!(matches!(lost().request(false), Err(Failure::Connect(_))));
    }
}
