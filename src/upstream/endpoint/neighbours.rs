use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Semaphore;

use super::Endpoint;
use super::sockets::Sockets;
use super::turns::Turns;
use crate::upstream::limits::UpstreamLimits;

/// The state that all addresses share: the connection limit, and each other's idle connections. A
/// handle: clones are the same.
#[derive(Clone)]
pub(in crate::upstream) struct Neighbours {
    limits: UpstreamLimits,
    sockets: Arc<Semaphore>,
    endpoints: Arc<Mutex<Vec<Weak<Endpoint>>>>,
}

impl Neighbours {
    pub(in crate::upstream) fn new(limits: UpstreamLimits) -> Self {
        let in_all = limits.connections_in_all.map(|count| count.get() as usize);
        let in_all = in_all.unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            limits,
            sockets: Arc::new(Semaphore::new(in_all)),
            endpoints: Arc::default(),
        }
    }

    pub(in crate::upstream) fn turns_of_one(&self) -> Turns {
        Turns::new(self.limits.connections)
    }

    pub(in crate::upstream) fn sockets_of_one(&self) -> Sockets {
        let of_one = self.limits.connections.get() as usize;
        Sockets::new(of_one, Arc::clone(&self.sockets))
    }

    pub(in crate::upstream) fn add(&self, endpoint: &Arc<Endpoint>) {
        let mut endpoints = self.lock();
        endpoints.retain(|endpoint| endpoint.strong_count() > 0);
        endpoints.push(Arc::downgrade(endpoint));
    }

    /// Closes an idle connection, at some address.
    pub(in crate::upstream) fn make_room(&self) {
        let endpoints: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        // Without the lock: an endpoint that is dropped here drops much with it.
        let _ = endpoints.iter().any(|endpoint| endpoint.make_room());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Endpoint>>> {
        self.endpoints.lock()
    }
}
