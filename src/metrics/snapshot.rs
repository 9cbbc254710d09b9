use crate::server::ConnectionCounts;
use crate::validator::CacheStats;

/// The state of the proxy at the time of a scrape.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) is_ready: bool,
    pub(crate) cache: CacheStats,
    pub(crate) connections: ConnectionCounts,
    pub(crate) servers: Vec<ServerState>,
    /// When the first certificate of a listener ends, in seconds since 1970.
    pub(crate) certificate_expiry: Option<u64>,
}

/// How one GHES is asked.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) ghes: String,
    /// Whether checks are held back, by all of its apps.
    pub(crate) holds_checks_back: bool,
    /// Whether questions about memberships are.
    pub(crate) holds_memberships_back: bool,
    pub(crate) apps: Vec<AppState>,
}

#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) client_id: String,
    /// Whether the server refuses its credentials.
    pub(crate) is_refused: bool,
}
