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
    /// How many requests of one client may be under way, over however many connections and whatever
    /// the protocol; a WebSocket is one for as long as it lives. Further ones are 429. The client is
    /// who a trusted proxy says it is, where there is one. For a [`Proxy`](crate::proxy::Proxy).
    pub requests_per_client: NonZeroU32,
    /// How many requests of one connection of HTTP/2 may be under way.
    pub streams_per_connection: NonZeroU32,
    /// How many fields the head of a request may have.
    pub head_fields: NonZeroU32,
    /// How many bytes the head of a request may have, as it is written in HTTP/1.1. A head of
    /// HTTP/2 is counted as if it were.
    pub head_bytes: NonZeroU32,
    /// How many bytes h2 holds of the fields of a request of HTTP/2, uncompressed and with 32 bytes
    /// more for each (RFC 9113 §6.5.2). Absent: as many as a head within the other limits takes.
    pub h2_head_bytes: Option<NonZeroU32>,
    /// How many bytes the target of a request may have.
    pub target_bytes: NonZeroU32,
}

impl Limits {
    /// Returns how many bytes h2 may hold of one head.
    pub(crate) fn h2_list_bytes(&self) -> u32 {
        let fields = self.head_fields.get().saturating_add(CRUMBS);
        let derived = fields.saturating_mul(H2_FIELD_BYTES);
        let derived = derived.saturating_add(self.head_bytes.get());
        self.h2_head_bytes.map_or(derived, NonZeroU32::get)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_per_client: CONNECTIONS_PER_CLIENT,
            requests_per_client: REQUESTS_PER_CLIENT,
            streams_per_connection: STREAMS_PER_CONNECTION,
            head_fields: HEAD_FIELDS,
            head_bytes: HEAD_BYTES,
            h2_head_bytes: None,
            target_bytes: TARGET_BYTES,
        }
    }
}

/// Some 200 MiB when all are idle. A process needs as many file descriptors, and one more for each
/// request under way; without them, new clients wait.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");

/// An office behind one address has hundreds. It takes ten such addresses to keep others out, and
/// only for as long as they send requests.
const CONNECTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");

/// Two for each connection that it may have: an office or a CI fleet behind one address has most of
/// its connections idle, a browser one or two streams of events open, and HTTP/1.1 alone never meets
/// this. Each takes some 30 KiB and a connection to an upstream, so that a client takes 60 MiB at
/// most, where connections of 100 streams each would have taken 3 GiB.
const REQUESTS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(2_000).expect("not zero");

/// What RFC 9113 §6.5.2 asks for at least, so that nothing waits without need. Each can hold a
/// head and a window.
const STREAMS_PER_CONNECTION: NonZeroU32 = NonZeroU32::new(100).expect("not zero");

/// As many as Apache and nginx clients ever need, and few enough to look through on each request.
const HEAD_FIELDS: NonZeroU32 = NonZeroU32::new(100).expect("not zero");

/// Four of the largest cookies, and the rest; hyper's own limit of about 400 KB is what an
/// attacker would use.
const HEAD_BYTES: NonZeroU32 = NonZeroU32::new(32 * 1024).expect("not zero");

/// What RFC 9110 §4.1 recommends to support, and what nginx and Apache take by default.
const TARGET_BYTES: NonZeroU32 = NonZeroU32::new(8 * 1024).expect("not zero");

/// The cookies that a client may send apart; browsers keep at most 180 of one site.
const CRUMBS: u32 = 256;

/// What HTTP/2 counts for each field beside its name and value, and `cookie` for each crumb.
const H2_FIELD_BYTES: u32 = 40;
