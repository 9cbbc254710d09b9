use std::time::Duration;

use crate::config::reader::section::Section;
use crate::config::server::front::{timeout, timeout_or_none};

/// `[routes.timeouts]`: how long a route's upstream may take.
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

impl UpstreamTimeouts {
    pub(in crate::config::routes) fn read(timeouts: &mut Section<'_>) -> Option<Self> {
        let default = Self::default();
        let connect = timeouts.optional("connect", timeout);
        let response = timeouts.optional("response", timeout_or_none);
        let idle = timeouts.optional("idle", timeout_or_none);
        Some(Self {
            connect: connect.unwrap_or(default.connect),
            response: response.unwrap_or(default.response),
            idle: idle.unwrap_or(default.idle),
        })
    }
}
