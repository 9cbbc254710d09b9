//! Requests that could not be read: counted, logged and answered like rejections.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::access_log;
use crate::metrics::Outcome;
use crate::proxy::Proxy;
use crate::rejection::{Rejection, RejectionDetail, with_problem_json};
use crate::server::{Peer, Unreadable, UnreadableHandler};
use crate::throttle::{Throttle, Turn};

/// How the server refuses unreadable requests on behalf of `proxy`.
pub(in crate::proxy) fn refusals(proxy: &Proxy) -> UnreadableHandler {
    let proxy = proxy.clone();
    let throttle = Throttle::default();
    UnreadableHandler::new(move |peer, unreadable| refuse(&proxy, &throttle, peer, unreadable))
}

fn refuse(
    proxy: &Proxy,
    throttle: &Throttle<Unreadable>,
    peer: Peer,
    unreadable: Unreadable,
) -> Response<Bytes> {
    let rejection = match unreadable {
        Unreadable::BareLineFeed => Rejection::from(RejectionDetail::BareLineFeed),
        Unreadable::HttpToTls => Rejection::from(RejectionDetail::PlainHttpToTls),
        Unreadable::LengthAndCoding => Rejection::from(RejectionDetail::LengthAndCoding),
        Unreadable::HeadTooLarge | Unreadable::Malformed | Unreadable::TargetTooLong => {
            Rejection::new(unreadable.kind())
        }
    };
    let outcome = Outcome::Rejected(rejection.kind());
    proxy.0.runtime.metrics.answered(outcome, Duration::ZERO);
    let response = rejection.into_response(&proxy.0.rules.load().realm);
    let response = with_problem_json(response);
    if let Some(turn) = turn(proxy, throttle, peer, unreadable) {
        let request_id = proxy.0.runtime.request_ids.next();
        access_log::unreadable(&response, &request_id, peer.ip(), turn);
    }
    response
}

/// Whether to log it. A balancer that probes a TLS port without TLS does so for ever, with equal
/// requests; of another kind, each request is logged that is no part of a flood.
fn turn(
    proxy: &Proxy,
    throttle: &Throttle<Unreadable>,
    peer: Peer,
    unreadable: Unreadable,
) -> Option<Turn> {
    match unreadable {
        Unreadable::HttpToTls => throttle.turn(unreadable),
        Unreadable::BareLineFeed
        | Unreadable::HeadTooLarge
        | Unreadable::LengthAndCoding
        | Unreadable::Malformed
        | Unreadable::TargetTooLong => {
            let floods = &proxy.0.runtime.floods;
            floods.turn(peer.ip(), unreadable.kind())
        }
    }
}
