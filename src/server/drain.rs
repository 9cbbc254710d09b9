use tokio::sync::watch;

/// The order to stop, for any number of connections.
#[derive(Clone, Debug)]
pub(super) struct Drain(watch::Receiver<bool>);

/// Gives the order, and knows when the last connection has ended.
pub(super) struct Drainage(watch::Sender<bool>);

impl Drainage {
    pub(super) fn new() -> Self {
        Self(watch::channel(false).0)
    }

    /// Returns a handle that a connection holds until it has ended.
    pub(super) fn watch(&self) -> Drain {
        Drain(self.0.subscribe())
    }

    pub(super) fn order(&self) {
        self.0.send_replace(true);
    }

    /// Waits until every [`Drain`] is dropped.
    pub(super) async fn done(&self) {
        self.0.closed().await;
    }
}

impl Drain {
    /// Waits for the order.
    pub(super) async fn ordered(&self) {
        let mut order = self.0.clone();
        // A dropped sender counts as the order to stop.
        let _ = order.wait_for(|&ordered| ordered).await;
    }
}
