//! Requests that nobody could read: counted, logged and answered like those that are refused.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::Proxy;
use super::access_log;
use super::metrics::Outcome;
use super::server::{Peer, Refusals, Unreadable};
use crate::rejection::{Rejection, RejectionDetail, with_problem_json};

/// What the server is to do with what it cannot read on behalf of `proxy`.
pub(super) fn refusals(proxy: &Proxy) -> Refusals {
    let proxy = proxy.clone();
    Refusals::new(move |peer, unreadable| refuse(&proxy, peer, unreadable))
}

fn refuse(proxy: &Proxy, peer: Peer, unreadable: Unreadable) -> Response<Bytes> {
    let rejection = match unreadable {
        Unreadable::BareLineFeed => Rejection::from(RejectionDetail::BareLineFeed),
        Unreadable::LengthAndCoding => Rejection::from(RejectionDetail::LengthAndCoding),
        Unreadable::HeadTooLarge | Unreadable::Malformed | Unreadable::TargetTooLong => {
            Rejection::new(unreadable.kind())
        }
    };
    let outcome = Outcome::Rejected(rejection.kind());
    proxy.0.metrics.answered(outcome, Duration::ZERO);
    let response = rejection.into_response(&proxy.0.realm);
    access_log::unreadable(&response, &proxy.0.request_ids.next(), peer.ip());
    with_problem_json(response)
}
