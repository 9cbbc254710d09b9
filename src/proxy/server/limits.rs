use std::num::NonZeroU32;

/// What the connections of clients may take. The times are [`Timeouts`](super::Timeouts).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections there may be; further clients wait to be accepted.
    pub connections: NonZeroU32,
    /// How many one client may have; a /64 of IPv6 is one client. Further ones are closed at once.
    /// Connections of a Unix socket are not told apart, and have no such limit.
    pub connections_per_client: NonZeroU32,
    /// How many requests of one connection of HTTP/2 may be under way.
    pub streams_per_connection: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_per_client: CONNECTIONS_PER_CLIENT,
            streams_per_connection: STREAMS_PER_CONNECTION,
        }
    }
}

/// Some 200 MiB when all are idle. A process needs as many file descriptors, and one more for each
/// request under way; without them, new clients wait.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");

/// An office behind one address has hundreds. It takes ten such addresses to keep others out, and
/// only for as long as they send requests.
const CONNECTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");

/// What RFC 9113 §6.5.2 asks for at least, so that nothing waits without need. Each can hold a
/// head and a window.
const STREAMS_PER_CONNECTION: NonZeroU32 = NonZeroU32::new(100).expect("not zero");
