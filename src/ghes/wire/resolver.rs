use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{io, vec};

use hyper_util::client::legacy::connect::dns::Name;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;
use tower::{BoxError, Service};

/// A resolver that falls back on the addresses it last got, so that a name server that fails does
/// not take GHES away with it.
#[derive(Clone)]
pub(in crate::ghes) struct RememberingResolver<R> {
    resolver: R,
    /// As many entries as there are servers that the transport is used for.
    last_good: Arc<Mutex<HashMap<Name, Resolved>>>,
}

struct Resolved {
    addresses: Vec<SocketAddr>,
    at: Instant,
}

impl<R> RememberingResolver<R> {
    pub(in crate::ghes) fn new(resolver: R) -> Self {
        Self {
            resolver,
            last_good: Arc::default(),
        }
    }

    fn remember(&self, name: Name, addresses: &[SocketAddr]) {
        let resolved = Resolved {
            addresses: addresses.to_vec(),
            at: Instant::now(),
        };
        self.last_good().insert(name, resolved);
    }

    fn recall(&self, name: &Name) -> Option<Vec<SocketAddr>> {
        let last_good = self.last_good();
        let resolved = last_good.get(name)?;
        (resolved.at.elapsed() <= MAX_AGE).then(|| resolved.addresses.clone())
    }

    fn last_good(&self) -> MutexGuard<'_, HashMap<Name, Resolved>> {
        self.last_good.lock()
    }
}

impl<R, A> Service<Name> for RememberingResolver<R>
where
    R: Service<Name, Response = A, Error = io::Error> + Clone + Send + 'static,
    R::Future: Send,
    A: Iterator<Item = SocketAddr>,
{
    type Response = vec::IntoIter<SocketAddr>;
    type Error = Unresolved;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unresolved>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unresolved>> {
        self.resolver.poll_ready(cx).map_err(Unresolved::new)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let answer = tokio::time::timeout(TIMEOUT, self.resolver.call(name.clone()));
        let memory = self.clone();
        Box::pin(async move {
            let error = match answer.await {
                Ok(Ok(addresses)) => {
                    let addresses: Vec<_> = addresses.collect();
                    if !addresses.is_empty() {
                        memory.remember(name, &addresses);
                        return Ok(addresses.into_iter());
                    }
                    Unresolved::new("the name has no address")
                }
                Ok(Err(error)) => Unresolved::new(error),
                Err(elapsed) => Unresolved::new(elapsed),
            };
            let remembered = memory.recall(&name).ok_or(error)?;
            Ok(remembered.into_iter())
        })
    }
}

/// The error for a name that has no address, now or lately.
#[derive(Debug)]
pub(in crate::ghes) struct Unresolved(BoxError);

impl Unresolved {
    fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name cannot be resolved")
    }
}

impl std::error::Error for Unresolved {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// The system's own limit is 5 s for each of its name servers, longer than a whole call may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Long enough for a name server to restart. An address that GHES has left for longer may belong to
/// another server by now. That server cannot pass for GHES over TLS, but it can keep people out.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tower::ServiceExt as _;

    use super::*;

    type Answer = io::Result<Vec<SocketAddr>>;

    /// A name server that gives these answers, and after them none at all.
    fn name_server(
        answers: impl IntoIterator<Item = Answer>,
    ) -> RememberingResolver<
        impl Service<Name, Response = vec::IntoIter<SocketAddr>, Error = io::Error, Future: Send>
        + Clone
        + Send
        + 'static,
    > {
        let answers: VecDeque<_> = answers.into_iter().collect();
        let answers = Arc::new(Mutex::new(answers));
        RememberingResolver::new(tower::service_fn(move |_: Name| {
            let answer = answers.lock().pop_front();
            async move {
                match answer {
                    Some(answer) => answer.map(Vec::into_iter),
                    None => std::future::pending().await,
                }
            }
        }))
    }

    fn address(last: u8) -> Vec<SocketAddr> {
        vec![SocketAddr::from(([192, 0, 2, last], 0))]
    }

    fn failure() -> Answer {
        Err(io::Error::other("no answer from the name server"))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_addresses_serve_for_five_minutes() {
        let answers = [
            Ok(address(1)),
            Ok(address(2)),
            failure(),
            Ok(vec![]),
            failure(),
        ];
        let resolver = name_server(answers);
        let resolve = async |name: &str| {
            let addresses = resolver.clone().oneshot(name.parse().unwrap()).await;
            addresses.map(Iterator::collect::<Vec<_>>)
        };
        assert_eq!(resolve("ghes").await.unwrap(), address(1));
        assert_eq!(resolve("ghes").await.unwrap(), address(2));
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(resolve("ghes").await.unwrap(), address(2), "refused");
        assert_eq!(resolve("ghes").await.unwrap(), address(2), "empty");
        assert!(resolve("other").await.is_err());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(resolve("ghes").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_server_that_hangs_has_failed_after_a_second() {
        let resolver = name_server([Ok(address(1))]);
        let ghes: Name = "ghes".parse().unwrap();
        resolver.clone().oneshot(ghes.clone()).await.unwrap();
        let began_at = Instant::now();
        let mut addresses = resolver.oneshot(ghes).await.unwrap();
        assert_eq!(addresses.next(), address(1).pop());
        assert_eq!(began_at.elapsed(), Duration::from_secs(1));
    }
}
