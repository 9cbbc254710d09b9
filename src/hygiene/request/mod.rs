//! Requirements on a request before anything is decided about it.
//!
//! hyper and h2 accept more than a gate may forward. A request that we and an upstream could read
//! in two ways is refused here, for HTTP/1 and HTTP/2 alike:
//!
//! | what | status |
//! |---|---|
//! | a target longer than [`Limits`] allow | 414 |
//! | more fields, or more bytes of them, than [`Limits`] allow | 431 |
//! | `CONNECT`, `TRACE` and methods similar to them; a transfer coding beside `chunked` | 501 |
//! | a target without a path; `*` but for `OPTIONS`; a scheme that is not HTTP's | 400 |
//! | no host, two, or an invalid one; in HTTP/2 also a `Host` beside another `:authority` | 400 |
//! | a length stated in two ways or in one that RFC 9110 §8.6 does not know | 400 |
//! | an expectation other than `100-continue` | 417 |
//! | in HTTP/2, fields of a connection and values that begin or end with a blank | 400 |
//! | our own name in `Via` more than once | 508 |
//!
//! 1. HTTP/1.0 without `Host` passes, as old monitors and the default checks of balancers send it,
//!    unless a route depends on the host: see `asked_host` of the proxy.
//! 2. The absolute form passes, as RFC 9112 §3.2.2 demands, and its authority replaces `Host`. No
//!    route and no connection depends on either.
//! 3. An extended CONNECT passes if it opens a WebSocket (RFC 8441 §5), and becomes a GET. Any
//!    other is treated as an ordinary CONNECT.
//! 4. A fragment cannot be seen here: `http` has dropped it, for the routes and the upstream alike.
//!
//! Some requests do not get here. hyper and h2 refuse some by themselves. The `server` refuses bare
//! line feeds in heads and chunk ends, and a length beside a coding.
//!
//! The routes refuse an ambiguous path if its readings lead to several of them.

mod expectation;
mod fields;
mod framing;
mod host;
mod limits;
mod method;
mod target;
mod told;

use http::{HeaderValue, Request, Version};

use self::target::Target;
use self::told::Told;
use super::via::is_loop;
use crate::rejection::RejectionKind;
use crate::server::Limits;

/// The recipient of a well-formed request.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Recipient {
    Upstream(Forwardable),
    /// The server is the final recipient (RFC 9110 §9.3.7, §7.6.2).
    ThisServer,
}

/// Values from the fields that are not forwarded unchanged.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Forwardable {
    /// The one host that the request is for; none if HTTP/1.0 names none.
    pub(crate) host: Option<HeaderValue>,
    /// How many more proxies may forward it, for methods with such a limit.
    pub(crate) max_forwards: Option<u64>,
}

/// Decides whether a request may be forwarded at all, independent of its sender.
pub(crate) fn request_gate<B>(
    request: &Request<B>,
    limits: &Limits,
) -> Result<Recipient, RejectionKind> {
    let told = Told::by(request.headers(), is_multiplexed(request.version()));
    limits::check(request, &told, limits)?;
    method::check(request)?;
    let target = target::read(request)?;
    let host = host::read(request, &told)?;
    framing::check(request, &told)?;
    expectation::check(request.version(), &told)?;
    if is_multiplexed(request.version()) {
        fields::check(request.headers())?;
    }
    if told.via.is_there() && is_loop(request.headers()) {
        return Err(RejectionKind::LoopDetected);
    }
    Ok(match (target, method::max_forwards(request, &told)?) {
        (Target::Server, _) | (_, Some(0)) => Recipient::ThisServer,
        (Target::Path, hops) => Recipient::Upstream(Forwardable {
            host,
            max_forwards: hops.map(|hops| hops - 1),
        }),
    })
}

/// HTTP/2 and later have no connection-specific fields and their own names for the host.
fn is_multiplexed(version: Version) -> bool {
    version >= Version::HTTP_2
}

#[cfg(test)]
mod tests;
