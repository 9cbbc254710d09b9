use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::mem::discriminant;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use tokio::time::Instant;

use super::endpoint::connection::Wanted;
use super::endpoint::{Endpoint, Lease};
use super::failure::Failure;

/// The equal addresses of one upstream.
///
/// Two are drawn at random, and the one with fewer exchanges under way gets the request. That is
/// nearly as even as comparing all of them, and does not overrun an address that looks idle for a
/// moment. `tower::balance` does the same, but for services that are polled ready one by one,
/// through a buffer with a task. Here every address can always take a request, and only takes
/// longer.
#[derive(Clone)]
pub(super) struct Addresses {
    endpoints: Arc<[Arc<Endpoint>]>,
    /// How long each address may take to accept a connection.
    connect_timeout: Duration,
}

impl Addresses {
    pub(super) fn new(endpoints: Vec<Arc<Endpoint>>, connect_timeout: Duration) -> Self {
        Self {
            endpoints: endpoints.into(),
            connect_timeout,
        }
    }

    /// Takes a used connection to the drawn address, if one is free.
    pub(super) fn used(&self, now: Instant) -> Option<Lease> {
        self.draw(&[]).used(now)
    }

    /// Gets a connection to one of the addresses.
    ///
    /// If an address has none, another is tried: nothing was sent yet. If all have as many as they
    /// may, the client waits for its turn.
    pub(super) async fn connect(
        &self,
        wanted: Wanted,
        client: Option<IpAddr>,
    ) -> Result<Lease, Failure> {
        let mut tried: Vec<&Arc<Endpoint>> = Vec::new();
        loop {
            let endpoint = self.draw(&tried);
            if wanted == Wanted::Any
                && let Some(lease) = endpoint.used(Instant::now())
            {
                return Ok(lease);
            }
            let turn = endpoint.turn_in_line(client).await?;
            let fresh = endpoint.fresh(wanted, turn, self.connect_timeout);
            let failure = match fresh.await {
                Ok(lease) => return Ok(lease),
                Err(failure) => failure,
            };
            tried.push(endpoint);
            if tried.len() == MAX_TRIED.min(self.endpoints.len()) {
                return Err(failure);
            }
            if let Some(turn) = endpoint.failures().turn(discriminant(&failure)) {
                tracing::warn!(
                    upstream = %endpoint.url(),
                    suppressed = turn.suppressed,
                    "trying another address: {failure}",
                );
            }
        }
    }

    /// Returns whether all addresses can be used with HTTP/1.1.
    pub(super) fn speak_http1(&self) -> bool {
        let mut endpoints = self.endpoints.iter();
        endpoints.all(|endpoint| endpoint.url().speaks_http1())
    }

    /// Returns the scheme of the first address, and the authority if there is no other.
    pub(super) fn origin(&self) -> (&Scheme, Option<&Authority>) {
        let (scheme, authority) = self.endpoints[0].host().origin();
        (
            scheme,
            Some(authority).filter(|_| self.endpoints.len() == 1),
        )
    }

    fn draw(&self, tried: &[&Arc<Endpoint>]) -> &Arc<Endpoint> {
        let endpoints = &*self.endpoints;
        let (one, other) = match endpoints {
            [only] => return only,
            several => two_of(several),
        };
        let was_tried =
            |endpoint: &Arc<Endpoint>| tried.iter().any(|tried| Arc::ptr_eq(tried, endpoint));
        let is_bad = |endpoint: &Arc<Endpoint>| {
            was_tried(endpoint) || endpoint.health().is_down() || endpoint.is_busy()
        };
        let rank = |endpoint: &&Arc<Endpoint>| {
            (
                was_tried(endpoint),
                endpoint.health().is_down(),
                endpoint.load(),
            )
        };
        let best = std::cmp::min_by_key(one, other, rank);
        if is_bad(best) {
            return endpoints.iter().min_by_key(rank).unwrap_or(best);
        }
        best
    }
}

fn two_of(endpoints: &[Arc<Endpoint>]) -> (&Arc<Endpoint>, &Arc<Endpoint>) {
    let first = random() % endpoints.len();
    let second = (first + 1 + random() % (endpoints.len() - 1)) % endpoints.len();
    (&endpoints[first], &endpoints[second])
}

/// The standard library seeds its hashers from the system's random numbers.
fn random() -> usize {
    RandomState::new().hash_one(0) as usize
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        self.endpoints.iter().try_for_each(|endpoint| {
            let written = write!(f, "{separator}{}", endpoint.url());
            separator = ", ";
            written
        })
    }
}

/// Each may take its whole time to connect, so more attempts would outlast a client's patience.
const MAX_TRIED: usize = 3;
