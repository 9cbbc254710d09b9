use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;
use super::peer::Peer;
use crate::counter::Counters;
use crate::network::network;

/// Counts connections, in all and per client. A handle: clones count together.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    room: Arc<Semaphore>,
    per_client: AtomicU32,
    /// Guards the counts. A count of zero is removed, so the map grows with connections and not
    /// with time.
    clients: Mutex<HashMap<IpAddr, u32>>,
    /// By [`Event`].
    events: Counters<5>,
}

/// What happens to connections. Beginnings and ends are counted apart, because threads add to such
/// counts without waiting for each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Opened,
    Closed,
    /// The first of its requests under way has begun, or the last has ended.
    Busy,
    Quiet,
    HandshakeFailed,
}

/// The connections of a server at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ConnectionCounts {
    /// Those with a request under way, or a tunnel.
    pub(crate) active: u64,
    pub(crate) idle: u64,
    /// Since the start.
    pub(crate) failed_handshakes: u64,
}

/// The peers that may have as many connections as there is room for. None by default.
#[derive(Clone, Default)]
pub(super) struct Trusted(Option<Arc<dyn Fn(Peer) -> bool + Send + Sync>>);

impl Trusted {
    pub(super) fn new(are: impl Fn(Peer) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(are)))
    }

    fn have(&self, peer: Peer) -> bool {
        self.0.as_ref().is_some_and(|are| are(peer))
    }
}

impl fmt::Debug for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trusted").finish_non_exhaustive()
    }
}

/// Capacity for one connection that has no client yet.
pub(super) struct Room(OwnedSemaphorePermit);

/// The slot of one connection, until it is dropped.
pub(super) struct ConnectionSlot {
    connections: Connections,
    client: Option<IpAddr>,
    _room: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        let all = limits.connections.get() as usize;
        Self(Arc::new(Inner {
            room: Arc::new(Semaphore::new(all)),
            per_client: AtomicU32::new(limits.connections_per_client.get()),
            clients: Mutex::default(),
            events: Counters::default(),
        }))
    }

    pub(super) fn note(&self, event: Event) {
        self.0.events.increment(event as usize);
    }

    pub(super) fn counts(&self) -> ConnectionCounts {
        let count = |event| self.0.events.get(event as usize);
        // What ends meanwhile may be counted without its beginning.
        let under_way = |began, ended| count(began).saturating_sub(count(ended));
        let active = under_way(Event::Busy, Event::Quiet);
        ConnectionCounts {
            active,
            idle: under_way(Event::Opened, Event::Closed).saturating_sub(active),
            failed_handshakes: count(Event::HandshakeFailed),
        }
    }

    pub(super) fn replace_limits(&self, limits: &Limits) {
        let per_client = limits.connections_per_client.get();
        self.0.per_client.store(per_client, Ordering::Relaxed);
    }

    /// Waits until there is room for one more connection.
    ///
    /// Nothing is accepted meanwhile. Clients wait in the system's accept queue, which costs less
    /// than refusing them, and are accepted when others have timed out.
    pub(super) async fn room(&self) -> Room {
        let room = Arc::clone(&self.0.room).acquire_owned().await;
        Room(room.expect("the semaphore is never closed"))
    }

    /// Takes a slot for `peer` if there is room and the peer does not have too many already.
    pub(super) fn take_now(&self, peer: Peer, trusted: &Trusted) -> Option<ConnectionSlot> {
        let room = Arc::clone(&self.0.room).try_acquire_owned().ok()?;
        self.take(Room(room), peer, trusted)
    }

    /// Takes a slot for `peer`; none if it has too many already, and is none of the `trusted`.
    pub(super) fn take(&self, room: Room, peer: Peer, trusted: &Trusted) -> Option<ConnectionSlot> {
        // All peers of a Unix socket count as one client, most likely a proxy.
        let is_counted = peer.is_remote() && !trusted.have(peer);
        let client = is_counted.then(|| network(peer.ip()));
        if let Some(client) = client {
            let mut clients = self.clients();
            let count = clients.entry(client).or_default();
            // More than that where it was lowered.
            if *count >= self.0.per_client.load(Ordering::Relaxed) {
                return None;
            }
            *count += 1;
        }
        self.note(Event::Opened);
        Some(ConnectionSlot {
            connections: self.clone(),
            client,
            _room: room.0,
        })
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        // The lock cannot be poisoned: nothing panics while a count changes.
        self.0.clients.lock()
    }
}

impl ConnectionSlot {
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.note(Event::Closed);
        let Some(client) = self.client else { return };
        if let Entry::Occupied(mut count) = self.connections.clients().entry(client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn connections(all: u32, per_client: u32) -> Connections {
        Connections::new(&Limits {
            connections: NonZeroU32::new(all).unwrap(),
            connections_per_client: NonZeroU32::new(per_client).unwrap(),
            ..Limits::default()
        })
    }

    async fn take(connections: &Connections, peer: &str) -> Option<ConnectionSlot> {
        let peer: std::net::SocketAddr = peer.parse().unwrap();
        connections.take(connections.room().await, peer.into(), &Trusted::default())
    }

    #[tokio::test]
    async fn a_client_has_so_many_and_a_network_of_ipv6_is_one_client() {
        for (mine, also_mine, other) in [
            ("192.0.2.1:1", "[::ffff:192.0.2.1]:2", "192.0.2.2:1"),
            ("[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::1]:1"),
        ] {
            let connections = connections(9, 2);
            let first = take(&connections, mine).await.unwrap();
            let _second = take(&connections, also_mine).await.unwrap();
            assert!(take(&connections, mine).await.is_none());
            let other = take(&connections, other).await.unwrap();
            drop(first);
            assert!(take(&connections, also_mine).await.is_some());
            drop(other);
            assert_eq!(connections.clients().len(), 1, "who has none is forgotten");
        }
    }

    #[tokio::test]
    async fn a_trusted_peer_has_as_many_as_there_is_room_for() {
        let connections = connections(5, 1);
        let trusted = Trusted::new(|peer| peer.ip().to_string() == "192.0.2.1");
        let take = async |peer: &str| {
            let peer: std::net::SocketAddr = peer.parse().unwrap();
            connections.take(connections.room().await, peer.into(), &trusted)
        };
        let mut kept = Vec::new();
        for port in 1..4 {
            kept.push(take(&format!("192.0.2.1:{port}")).await.unwrap());
        }
        kept.push(take("192.0.2.2:1").await.unwrap());
        assert!(take("192.0.2.2:2").await.is_none(), "another has its one");
        kept.push(take("192.0.2.1:5").await.unwrap());
        let more = "192.0.2.1:6".parse::<std::net::SocketAddr>().unwrap();
        assert!(
            connections.take_now(more.into(), &trusted).is_none(),
            "no room"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_room_again_when_one_ends() {
        let connections = connections(1, 9);
        let only = take(&connections, "192.0.2.1:1").await.unwrap();
        let second = take(&connections, "192.0.2.2:1");
        let mut second = std::pin::pin!(second);
        let waited = tokio::time::timeout(std::time::Duration::from_secs(1), &mut second);
        assert!(waited.await.is_err());
        drop(only);
        assert!(second.await.is_some());
    }

    #[tokio::test]
    async fn peers_on_a_unix_socket_are_not_one_client() {
        let connections = connections(9, 1);
        let _first = connections.take(connections.room().await, Peer::UNIX, &Trusted::default());
        let second = connections.take(connections.room().await, Peer::UNIX, &Trusted::default());
        assert!(second.is_some());
    }
}
