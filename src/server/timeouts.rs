use std::time::Duration;

/// How long the client of a connection may take for each step.
///
/// The amounts are in [`Limits`](super::Limits).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the whole head of a request.
    ///
    /// The time of the first runs from when it could be sent, that of later ones from their first
    /// byte. A new connection of HTTP/2 has this long for its first request.
    pub head: Duration,
    /// Between the end of a response and the first byte of the next request.
    pub keep_alive: Duration,
    /// Between two pieces of a request's body, while the service waits for it.
    pub body: Duration,
    /// For the whole body of a request. None: no limit while bytes keep arriving.
    pub body_total: Option<Duration>,
    /// In which a client takes no byte of an available response.
    pub response: Duration,
    /// For requests under way when the server stops.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: HANDSHAKE,
            head: HEAD,
            keep_alive: KEEP_ALIVE,
            body: BODY,
            // An upload may have any size, and a line any speed.
            body_total: None,
            response: RESPONSE,
            drain: DRAIN,
        }
    }
}

/// Two round trips, and a client's own lookup of a revocation list; too short to make silent
/// sockets worthwhile.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Long enough for 32 KiB on a bad line, short enough that silent sockets do not pile up.
const HEAD: Duration = Duration::from_secs(10);

/// About as long as nginx (75 s) and browsers. Load balancers in front should close idle
/// connections sooner: the side that closes first does not send a request into a closing
/// connection.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A mobile client that changes its cell is back in a few seconds. nginx waits for 60 s.
const BODY: Duration = Duration::from_secs(30);

/// The same as for the body; a client that pauses a download for longer has to request the rest.
const RESPONSE: Duration = Duration::from_secs(30);

/// Less than the 30 s that process managers give before they kill.
const DRAIN: Duration = Duration::from_secs(10);
