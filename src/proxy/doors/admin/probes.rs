use tokio::net::TcpListener;

use super::{Admin, Audience};

/// The listener of a [`Proxy`](crate::proxy::Proxy) for probes and metrics alone.
///
/// A handle: clones are the same. It changes nothing and shows no person and no token, so it may be
/// open to everyone.
#[derive(Clone, Debug)]
pub struct Probes(Admin);

impl From<Admin> for Probes {
    fn from(admin: Admin) -> Self {
        Self(admin)
    }
}

impl Probes {
    /// Serves all requests on `listener` until `shutdown` completes.
    ///
    /// Works like [`serve`](crate::proxy::serve).
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        self.0.serve_for(Audience::Probes, listener, shutdown).await;
    }
}
