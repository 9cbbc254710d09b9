use std::time::Duration;

/// Time limits for an upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpstreamTimeouts {
    /// The time to accept a connection, name lookup included.
    ///
    /// Twice as long again for a TLS handshake. Absent: 1 s. An upstream in the same network
    /// accepts within milliseconds; after a second it is down, and a client should learn it.
    pub connect: Duration,
    /// From the end of a request to the head of its response. None: no limit.
    ///
    /// Absent: 60 s, which tools behind proxies know from nginx's `proxy_read_timeout`. Bodies have
    /// no time limit.
    pub response: Option<Duration>,
    /// The longest silence of both sides of a WebSocket. None: no limit.
    ///
    /// Absent: 5 min. WebSocket libraries send pings every 20 to 60 s, so this ends dead
    /// connections and little else.
    pub idle: Option<Duration>,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            response: Some(Duration::from_secs(60)),
            idle: Some(Duration::from_secs(5 * 60)),
        }
    }
}
