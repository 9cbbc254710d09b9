use std::time::Duration;

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpstreamTimeouts {
    /// To accept a connection, name lookup included; as long again, twice, for a TLS handshake.
    /// Absent: 1 s. An upstream in the same network accepts within milliseconds; after a second it
    /// is down, and a client is better told so.
    pub connect: Duration,
    /// From the end of a request to the head of its response. None: for ever. Absent: 60 s, what
    /// tools behind proxies are used to from nginx's `proxy_read_timeout`. Bodies may take as long
    /// as they take.
    pub response: Option<Duration>,
    /// In which neither side of a WebSocket says anything. None: for ever. Absent: 5 min. WebSocket
    /// libraries send pings every 20 to 60 s, so that this ends what is dead and little else.
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
