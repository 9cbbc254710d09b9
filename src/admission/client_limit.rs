//! A limit to how many unknown tokens one client may bring.
//!
//! A client is a network; a caller that has proved who it is, is one wherever it calls from.
//!
//! Only tokens that would cause a call to the issuer count. So a client that guesses tokens is
//! slowed down, and people who are known are not, even behind the same address.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
#[cfg(feature = "axum")]
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

#[cfg(feature = "axum")]
use axum::extract::ConnectInfo;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use http::Extensions;

use crate::clock::TokioClock;
use crate::network::network;

/// The address of the client, which a server leaves in a request's extensions.
///
/// Behind a load balancer it must be the address that the balancer tells, or all clients are one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientAddr(pub IpAddr);

impl ClientAddr {
    /// Returns what is in a request's extensions: this itself, or else what axum's server leaves
    /// there (`Router::into_make_service_with_connect_info`).
    fn find_in(extensions: &Extensions) -> Option<Self> {
        let own = extensions.get::<Self>().copied();
        #[cfg(feature = "axum")]
        let own = own.or_else(|| {
            let peer = extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(Self(peer.0.ip()))
        });
        own
    }
}

/// A client, if it can be told from others. Looked up only where it matters.
pub(crate) trait Client {
    fn count_as(&self) -> Option<CountAs<'_>>;
}

/// Those whose unknown tokens are counted together.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum CountAs<'c> {
    /// The clients of one network.
    Network(IpAddr),
    /// A caller that has proved who it is, wherever it calls from.
    #[cfg_attr(
        not(feature = "proxy"),
        expect(dead_code, reason = "only the proxy has them")
    )]
    Caller(&'c str),
}

impl Client for ClientAddr {
    fn count_as(&self) -> Option<CountAs<'_>> {
        Some(CountAs::Network(network(self.0)))
    }
}

/// The client that a server has noted there.
impl Client for Extensions {
    fn count_as(&self) -> Option<CountAs<'_>> {
        let address = ClientAddr::find_in(self)?;
        Some(CountAs::Network(network(address.0)))
    }
}

/// How many unknown tokens one client may bring.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use ghes_gatekeeper::gatekeeper::ClientLimit;
///
/// let limit = ClientLimit::per_second(NonZeroU32::new(10).unwrap())
///     .with_burst(NonZeroU32::new(50).unwrap());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientLimit {
    pub(crate) per_second: NonZeroU32,
    pub(crate) burst: NonZeroU32,
}

impl ClientLimit {
    /// Allows as many a second, and four seconds' worth at once.
    #[must_use]
    pub const fn per_second(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            burst: per_second.saturating_mul(number(4)),
        }
    }

    /// Allows as many at once after a pause.
    #[must_use]
    pub const fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// Returns how many are allowed a second.
    #[must_use]
    pub const fn rate(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Returns how many are allowed at once.
    #[must_use]
    pub const fn burst(&self) -> NonZeroU32 {
        self.burst
    }
}

impl Default for ClientLimit {
    /// An office behind one address that comes back after a restart of the gate is served within
    /// seconds; a client that guesses gets less than a third of what GHES is asked in all.
    fn default() -> Self {
        Self::per_second(number(50))
    }
}

const fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number - 1)
}

/// The turns that clients have taken.
pub(crate) struct ClientTurns {
    limiter: RateLimiter<u64, Buckets, TokioClock, NoOpMiddleware<Nanos>>,
    clock: TokioClock,
    /// Seeded at random, so that no client can aim at another's bucket.
    hasher: RandomState,
}

impl ClientTurns {
    pub(crate) fn new(limit: ClientLimit) -> Self {
        let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
        let clock = TokioClock::new();
        Self {
            limiter: RateLimiter::new(quota, Buckets::new(), clock),
            clock,
            hasher: RandomState::new(),
        }
    }

    /// Takes a turn of a client, or returns how long it has to wait for the next.
    pub(super) fn take(&self, client: CountAs<'_>) -> Result<(), Duration> {
        let bucket = self.hasher.hash_one(client);
        self.limiter
            .check_key(&bucket)
            .map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

impl fmt::Debug for ClientTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTurns").finish_non_exhaustive()
    }
}

/// A fixed number of buckets that clients share by chance, so that no number of clients takes
/// more memory. Who shares one with a client that guesses is only slower to be known.
struct Buckets(Box<[InMemoryState]>);

impl Buckets {
    fn new() -> Self {
        Self((0..BUCKETS).map(|_| InMemoryState::default()).collect())
    }
}

impl StateStore for Buckets {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let bucket = (key % BUCKETS) as usize;
        self.0[bucket].measure_and_replace(&NotKeyed::NonKey, f)
    }
}

/// Half a MiB.
const BUCKETS: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(per_second: u32, burst: u32) -> ClientTurns {
        let limit = ClientLimit::per_second(number(per_second)).with_burst(number(burst));
        ClientTurns::new(limit)
    }

    fn client(addr: &str) -> CountAs<'static> {
        CountAs::Network(network(addr.parse().unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_has_its_burst_and_then_its_rate() {
        let turns = turns(2, 3);
        for _ in 0..3 {
            assert_eq!(turns.take(client("192.0.2.1")), Ok(()));
        }
        let wait = turns.take(client("192.0.2.1")).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        tokio::time::advance(wait).await;
        assert_eq!(turns.take(client("192.0.2.1")), Ok(()));
        assert!(turns.take(client("192.0.2.1")).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_ipv6_is_one_client() {
        let turns = turns(1, 1);
        assert_eq!(turns.take(client("2001:db8::1")), Ok(()));
        assert!(turns.take(client("2001:db8::ffff:1")).is_err());
        assert_eq!(turns.take(client("2001:db8:0:1::1")), Ok(()));
        assert_eq!(turns.take(client("::ffff:192.0.2.1")), Ok(()));
        assert!(turns.take(client("192.0.2.1")).is_err());
        assert_eq!(turns.take(client("::ffff:192.0.2.2")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_counted_by_its_name_and_apart_from_every_network() {
        let turns = turns(1, 1);
        assert_eq!(turns.take(CountAs::Caller("apisix")), Ok(()));
        assert!(turns.take(CountAs::Caller("apisix")).is_err());
        assert_eq!(turns.take(CountAs::Caller("kubernetes")), Ok(()));
        assert_eq!(turns.take(client("192.0.2.1")), Ok(()));
    }
}
