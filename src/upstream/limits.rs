use std::num::NonZeroU32;

/// What the connections to upstreams may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpstreamLimits {
    /// How many connections one address may have, and how many requests may be under way there,
    /// WebSockets included. With HTTP/2, which needs few connections, it is the requests that count.
    /// Further requests wait for a few seconds, each client for its turn, and are 503 then.
    pub connections: NonZeroU32,
    /// How many connections all addresses may have together. No key sets it: it is what the file
    /// descriptors of the process leave.
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

/// As many as clients may have connections, so that those of HTTP/1.1 alone never meet it. It takes
/// five addresses of clients to use them up, which have 2,000 requests each.
const CONNECTIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
