use std::time::Duration;

/// How long the client of a connection may take for each of its turns. What is taken is counted
/// by [`Limits`](super::Limits).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the whole head of a request: of the first from when it could be sent, of later ones
    /// from their first byte. A new connection of HTTP/2 has this long for its first request.
    pub head: Duration,
    /// Between the end of a response and the first byte of the next request.
    pub keep_alive: Duration,
    /// Between two pieces of a request's body, while somebody waits for it.
    pub body: Duration,
    /// For the whole body of a request. None: as long as it takes, as long as some of it comes.
    pub body_total: Option<Duration>,
    /// In which a client takes none of a response that is there.
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
            // An upload may be of any size, and a line of any speed.
            body_total: None,
            response: RESPONSE,
            drain: DRAIN,
        }
    }
}

/// Two round trips, and a client's own look at a revocation list; still far from what a socket
/// that says nothing is worth.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Long enough for 32 KiB on a bad line, short enough that silent sockets do not pile up.
const HEAD: Duration = Duration::from_secs(10);

/// About what nginx (75 s) and browsers use. Load balancers before us should close idle
/// connections sooner; whoever closes first does not send a request into a closing connection.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A mobile line that changes its cell is back in a few seconds. nginx waits for 60 s.
const BODY: Duration = Duration::from_secs(30);

/// As for the body; a client that pauses a download for longer has to ask for the rest.
const RESPONSE: Duration = Duration::from_secs(30);

/// Less than the 30 s that process managers give before they kill.
const DRAIN: Duration = Duration::from_secs(10);
