use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response};

use crate::gatekeeper::Observed;
use crate::hygiene::dotted::Dotted;
use crate::rejection::{Rejection, RejectionDetail};
use crate::throttle::Turn;

/// The access log's data of a request, taken before the request is moved.
///
/// The query is left out: people put tokens there.
pub(in crate::proxy) struct AccessLog {
    method: Method,
    path: Box<str>,
    request_id: HeaderValue,
    /// None for clients.
    door: Option<&'static str>,
    /// The id of a caller.
    caller: Option<Box<str>>,
}

impl AccessLog {
    pub(in crate::proxy) fn begin<B>(
        request: &Request<B>,
        request_id: &HeaderValue,
    ) -> Option<Self> {
        tracing::enabled!(tracing::Level::INFO).then(|| Self {
            method: request.method().clone(),
            path: request.uri().path().into(),
            request_id: request_id.clone(),
            door: None,
            caller: None,
        })
    }

    /// Says by which door others ask about the request.
    pub(in crate::proxy) fn at_door(self, door: &'static str) -> Self {
        let door = Some(door);
        Self { door, ..self }
    }

    /// Says who asks about a token, as far as that is known.
    pub(in crate::proxy) fn of_caller(self, id: Option<&str>) -> Self {
        let caller = id.map(Into::into);
        Self { caller, ..self }
    }

    pub(in crate::proxy) fn end<B>(
        self,
        response: &Response<B>,
        client: IpAddr,
        elapsed: Duration,
    ) {
        let extensions = response.extensions();
        let observed = extensions.get::<Observed>();
        let rejection = extensions.get::<Rejection>();
        // An upstream that fails is another matter than what was observed before.
        let outcome = observed.filter(|_| rejection.is_none()).map(|_| "observed");
        let rejection = rejection.or_else(|| observed.map(|observed| &observed.0));
        tracing::info!(
            request.id = self.request_id.to_str().unwrap_or_default(),
            client.address = %Address(client),
            http.method = %Bounded(self.method.as_str()),
            http.path = &*self.path,
            http.status = response.status().as_u16(),
            door = self.door,
            caller = self.caller.as_deref(),
            outcome,
            reason = rejection.map(|rejection| rejection.kind().as_str()),
            detail = rejection.and_then(Rejection::detail).map(RejectionDetail::as_str),
            duration_ms = millis(elapsed),
            "request answered",
        );
    }

    /// Logs a request whose client gets no response any more, and the reason.
    pub(in crate::proxy) fn cut_off(self, why: CutOff, client: IpAddr, elapsed: Duration) {
        tracing::info!(
            request.id = self.request_id.to_str().unwrap_or_default(),
            client.address = %Address(client),
            http.method = %Bounded(self.method.as_str()),
            http.path = &*self.path,
            reason = why.as_str(),
            duration_ms = millis(elapsed),
            "request cut off",
        );
    }
}

/// Why a request ended without a response.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) enum CutOff {
    /// The client closed the connection, or reset the stream.
    ClientGone,
    /// The time to drain after the order to stop was over.
    Shutdown,
}

impl CutOff {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ClientGone => "client_gone",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Whole microseconds, so that the decimal number has three places at most.
fn millis(elapsed: Duration) -> f64 {
    elapsed.as_micros() as f64 / 1e3
}

/// Logs a request that could not be read, and so has neither method nor path.
pub(in crate::proxy) fn unreadable<B>(
    response: &Response<B>,
    request_id: &HeaderValue,
    client: IpAddr,
    turn: Turn,
) {
    let rejection = response.extensions().get::<Rejection>();
    tracing::info!(
        request.id = request_id.to_str().unwrap_or_default(),
        client.address = %Address(client),
        http.status = response.status().as_u16(),
        reason = rejection.map(|rejection| rejection.kind().as_str()),
        detail = rejection.and_then(Rejection::detail).map(RejectionDetail::as_str),
        suppressed = turn.suppressed,
        "request answered",
    );
}

/// A client's method, which may be as long as its head.
struct Bounded<'m>(&'m str);

impl fmt::Display for Bounded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Methods are ASCII (RFC 9110 §5.6.2).
        match self.0.get(..MAX_METHOD_BYTES) {
            Some(start) if self.0.len() > MAX_METHOD_BYTES => write!(f, "{start}…"),
            _ => f.write_str(self.0),
        }
    }
}

/// The longest registered method (IANA) has 17.
const MAX_METHOD_BYTES: usize = 32;

struct Address(IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => f.write_str(Dotted::from(address).as_str()),
            IpAddr::V6(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_method_is_logged_beyond_its_bound() {
        for (method, logged) in [
            ("GET".to_owned(), "GET".to_owned()),
            ("A".repeat(32), "A".repeat(32)),
            ("A".repeat(33), "A".repeat(32) + "…"),
            ("!".repeat(30_000), "!".repeat(32) + "…"),
        ] {
            assert_eq!(Bounded(&method).to_string(), logged);
        }
    }
}
