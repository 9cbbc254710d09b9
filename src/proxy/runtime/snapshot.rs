use std::sync::Arc;

use parking_lot::Mutex;

use super::issuers::{IssuerApp, Issuers};
use crate::metrics::{AppState, ServerState, Snapshot};
use crate::protection::{BreakerState, ProtectionMonitor};
use crate::server::{Server, Tls};

/// Takes snapshots of the proxy's state for its metrics.
#[derive(Clone)]
pub(in crate::proxy) struct SnapshotSource {
    pub(in crate::proxy) issuers: Issuers,
    pub(in crate::proxy) server: Server,
    pub(in crate::proxy) certificates: Certificates,
}

/// The certificates of the listeners. A handle.
#[derive(Clone, Default)]
pub(in crate::proxy) struct Certificates(Arc<Mutex<Vec<Tls>>>);

impl SnapshotSource {
    pub(in crate::proxy) fn snapshot(&self, is_ready: bool) -> Snapshot {
        Snapshot {
            is_ready,
            cache: self.issuers.stats(),
            connections: self.server.connection_counts(),
            servers: servers(self.issuers.now().apps()),
            certificate_expiry: self.certificates.expiry(),
        }
    }
}

impl Certificates {
    pub(in crate::proxy) fn add(&self, tls: Option<&Tls>) {
        self.0.lock().extend(tls.cloned());
    }

    fn expiry(&self) -> Option<u64> {
        self.0.lock().iter().filter_map(Tls::expiry).min()
    }
}

/// The apps of one server stand together.
fn servers(apps: &[IssuerApp]) -> Vec<ServerState> {
    let of_servers = apps.chunk_by(|one, next| one.ghes() == next.ghes());
    of_servers.map(server).collect()
}

fn server(apps: &[IssuerApp]) -> ServerState {
    let monitors = || apps.iter().filter_map(IssuerApp::protection);
    let is_held = |state| state != BreakerState::Closed;
    let mut availability = monitors().map(ProtectionMonitor::availability);
    let mut memberships = monitors().map(ProtectionMonitor::memberships);
    ServerState {
        ghes: apps[0].ghes().to_owned(),
        holds_checks_back: monitors().next().is_some() && availability.all(is_held),
        holds_memberships_back: memberships.any(is_held),
        apps: apps.iter().map(app).collect(),
    }
}

fn app(app: &IssuerApp) -> AppState {
    AppState {
        client_id: app.client_id().to_owned(),
        is_refused: app.protection().is_some_and(|app| !app.is_ready()),
    }
}
