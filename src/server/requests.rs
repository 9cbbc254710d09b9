use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::limits::Limits;
use crate::network::network;

/// Counts the requests of each client that are under way. A handle: clones count together.
///
/// A request is under way until the last byte of its response, and a WebSocket until it ends. Until
/// then each holds a stream here, and an upstream connection.
#[derive(Clone)]
pub(crate) struct Requests(Arc<Inner>);

struct Inner {
    per_client: AtomicU32,
    /// Seeded at random, so that an attacker cannot aim at another client's count.
    hasher: RandomState,
    /// Two clients occasionally share a count; in return nothing grows, and nothing is locked.
    counts: Box<[AtomicU32]>,
}

/// A client whose requests are counted. Keep it where one client sends many requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Client(usize);

/// One request under way, until it is dropped. A clone is one more, even beyond the limit: it is
/// for work that outlives the response.
pub(crate) struct CountedRequest {
    requests: Requests,
    client: Client,
}

impl Requests {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            per_client: AtomicU32::new(limits.requests_per_client.get()),
            hasher: RandomState::new(),
            counts: (0..COUNTS).map(|_| AtomicU32::new(0)).collect(),
        }))
    }

    pub(super) fn replace_limits(&self, limits: &Limits) {
        let per_client = limits.requests_per_client.get();
        self.0.per_client.store(per_client, Ordering::Relaxed);
    }

    /// Returns the client of an address; a /64 of IPv6 is one client.
    pub(crate) fn client(&self, address: IpAddr) -> Client {
        let hash = self.0.hasher.hash_one(network(address));
        Client((hash % COUNTS) as usize)
    }

    /// Begins a request; none if the client has too many.
    pub(crate) fn begin(&self, client: Client) -> Option<CountedRequest> {
        let (before, begun) = self.begin_anyway(client);
        (before < self.0.per_client.load(Ordering::Relaxed)).then_some(begun)
    }

    /// Begins a request, and returns how many the client had before.
    fn begin_anyway(&self, client: Client) -> (u32, CountedRequest) {
        let before = self.0.counts[client.0].fetch_add(1, Ordering::Relaxed);
        let requests = self.clone();
        (before, CountedRequest { requests, client })
    }
}

impl Clone for CountedRequest {
    fn clone(&self) -> Self {
        self.requests.begin_anyway(self.client).1
    }
}

impl Drop for CountedRequest {
    fn drop(&mut self) {
        let count = &self.requests.0.counts[self.client.0];
        count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("per_client", &self.0.per_client)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CountedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CountedRequest").finish()
    }
}

/// A quarter of a MiB.
const COUNTS: u64 = 65_536;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn requests(per_client: u32) -> Requests {
        Requests::new(&Limits {
            requests_per_client: NonZeroU32::new(per_client).unwrap(),
            ..Limits::default()
        })
    }

    #[test]
    fn a_client_has_so_many_and_a_network_of_ipv6_is_one_client() {
        for (mine, also_mine, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
            ("::1", "::2", "127.0.0.1"),
        ] {
            let requests = requests(2);
            let client = |address: &str| requests.client(address.parse().unwrap());
            assert_eq!(client(mine), client(also_mine));
            assert_ne!(client(mine), client(other), "one time in 65,536");
            let first = requests.begin(client(mine)).unwrap();
            let _second = requests.begin(client(also_mine)).unwrap();
            assert!(requests.begin(client(mine)).is_none());
            assert!(requests.begin(client(mine)).is_none(), "none is left over");
            assert!(requests.begin(client(other)).is_some());
            drop(first);
            assert!(requests.begin(client(mine)).is_some());
        }
    }

    #[test]
    fn a_clone_is_one_more_and_counts_for_as_long_as_it_lives() {
        let requests = requests(1);
        let client = requests.client(IpAddr::from([192, 0, 2, 1]));
        let request = requests.begin(client).unwrap();
        let tunnel = request.clone();
        assert!(requests.begin(client).is_none());
        drop(request);
        assert!(requests.begin(client).is_none());
        drop(tunnel);
        assert!(requests.begin(client).is_some());
    }
}
