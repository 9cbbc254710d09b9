use std::num::NonZeroU32;

/// Limits on the connections of clients.
///
/// Their times are in [`Timeouts`](super::Timeouts).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections there may be; further clients wait to be accepted.
    pub connections: NonZeroU32,
    /// How many one client may have; a /64 of IPv6 is one client. Further ones are closed at once.
    /// Connections of a Unix socket are not told apart, and have no such limit.
    pub connections_per_client: NonZeroU32,
    /// How many requests of one client may be under way.
    ///
    /// Counted over all its connections and protocols. A WebSocket counts as one for as long as it
    /// lives. Further requests get 429. Behind a trusted proxy, the client is the one that the
    /// proxy names. For a [`Proxy`](crate::proxy::Proxy).
    pub requests_per_client: NonZeroU32,
    /// How many requests of one connection of HTTP/2 may be under way.
    pub streams_per_connection: NonZeroU32,
    /// How many fields the head of a request may have.
    pub head_fields: NonZeroU32,
    /// How many bytes the head of a request may have, as written in HTTP/1.1.
    ///
    /// A head of HTTP/2 is counted the same way.
    pub head_bytes: NonZeroU32,
    /// How many bytes h2 holds of the fields of an HTTP/2 request.
    ///
    /// Counted uncompressed and with 32 bytes more for each (RFC 9113 §6.5.2). Absent: as many as a
    /// head within the other limits takes.
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

/// About 200 MiB when all are idle. A process needs as many file descriptors, and one more for each
/// request under way; without them, new clients wait.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");

/// An office behind one address has hundreds. It takes ten such addresses to keep others out, and
/// only while they send requests.
const CONNECTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");

/// Two for each connection that a client may have. An office or a CI fleet behind one address has
/// mostly idle connections, a browser has one or two event streams open, and HTTP/1.1 alone never
/// reaches this. Each takes some 30 KiB and an upstream connection. So one client takes 60 MiB at
/// most; connections of 100 streams each would have taken 3 GiB.
const REQUESTS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(2_000).expect("not zero");

/// The minimum that RFC 9113 §6.5.2 recommends, so that no request waits without need. Each stream
/// can hold a head and a window.
const STREAMS_PER_CONNECTION: NonZeroU32 = NonZeroU32::new(100).expect("not zero");

/// More than clients of Apache and nginx ever need, and few enough to search on each request.
const HEAD_FIELDS: NonZeroU32 = NonZeroU32::new(100).expect("not zero");

/// Four of the largest cookies, and the rest. An attacker would use hyper's own limit of about 400
/// KB.
const HEAD_BYTES: NonZeroU32 = NonZeroU32::new(32 * 1024).expect("not zero");

/// The size that RFC 9110 §4.1 recommends to support, and the default of nginx and Apache.
const TARGET_BYTES: NonZeroU32 = NonZeroU32::new(8 * 1024).expect("not zero");

/// The cookies that a client may send in separate fields; browsers keep at most 180 of one site.
const CRUMBS: u32 = 256;

/// HTTP/2 counts this for each field beside its name and value, and for each `cookie` crumb.
const H2_FIELD_BYTES: u32 = 40;
