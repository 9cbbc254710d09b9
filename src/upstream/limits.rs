use std::num::NonZeroU32;

/// Limits on the connections to upstreams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpstreamLimits {
    /// How many connections one address may have, and how many requests may be under way.
    ///
    /// WebSockets are included. With HTTP/2, which needs few connections, the requests count.
    /// Further requests wait for a few seconds, each client for its turn, and get 503 then.
    pub connections: NonZeroU32,
    /// How many connections all addresses may have together.
    ///
    /// It has no key: the file descriptors of the process set it.
    pub connections_in_all: Option<NonZeroU32>,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_in_all: None,
        }
    }
}

/// As many as clients may have connections, so those of HTTP/1.1 alone never reach it. It takes
/// five addresses of clients with 2,000 requests each to use them up.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
