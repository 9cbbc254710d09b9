use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};

/// Sends requests to a connection. Clones are the same handle.
///
/// hyper queues requests for the task of their connection. A request that is queued at the moment
/// the task ends stays in the queue until the last sender is dropped (hyperium/hyper#4122), and a
/// wait for its response would never end. So the only sender is here, and is dropped with the
/// connection: hyper then returns the request as unsent.
pub(in crate::upstream) struct Handle<S>(Arc<Mutex<Option<S>>>);

/// Takes the sender out of the handle, however the connection ends.
struct End<S>(Weak<Mutex<Option<S>>>);

impl<S> Handle<S> {
    /// Runs a connection until its last handle is dropped, or it ends by itself.
    pub(in crate::upstream) fn drive(
        requests: S,
        connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
    ) -> Self
    where
        S: Send + 'static,
    {
        let handle = Self(Arc::new(Mutex::new(Some(requests))));
        // With a strong reference, the task and its connection would outlive the handle.
        let end = End(Arc::downgrade(&handle.0));
        tokio::spawn(async move {
            // Bound before the connection, and so dropped after it.
            let _end = end;
            if let Err(error) = connection.await {
                tracing::debug!("connection to an upstream ended: {error}");
            }
        });
        handle
    }

    /// Lends the request sender; none if the connection has ended.
    pub(in crate::upstream) fn requests(&self) -> MutexGuard<'_, Option<S>> {
        lock(&self.0)
    }
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Drop for End<S> {
    fn drop(&mut self) {
        let requests = self.0.upgrade().and_then(|handle| lock(&handle).take());
        // This returns queued requests to tasks that may want the lock.
        drop(requests);
    }
}

fn lock<S>(handle: &Mutex<Option<S>>) -> MutexGuard<'_, Option<S>> {
    // The lock cannot be poisoned: no change is partial.
    handle.lock()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::sync::oneshot::error::{RecvError, TryRecvError};
    use tokio::time::timeout;

    use super::*;

    /// A handle that behaves as hyper's for a request in the queue of an ended connection: dropping
    /// its sender ends the wait for a response. Returned with the means to end the connection.
    fn handle() -> (
        Handle<oneshot::Sender<&'static str>>,
        oneshot::Receiver<&'static str>,
        oneshot::Sender<()>,
    ) {
        let (requests, response) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let connection = async {
            let _ = ended.await;
            Ok(())
        };
        (Handle::drive(requests, connection), response, end)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_its_connection_did_not_take_is_not_waited_for() {
        let (handle, mut response, end) = handle();
        assert!(handle.requests().is_some());
        assert!(!is_closed(&mut response));
        drop(end);
        let returned = timeout(PATIENCE, response).await;
        assert!(matches!(returned, Ok(Err(RecvError { .. }))));
        assert!(handle.requests().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_breaks_down_is_not_waited_for_either() {
        let (requests, response) = oneshot::channel::<()>();
        let handle = Handle::drive(requests, async { panic!("a connection that breaks down") });
        let returned = timeout(PATIENCE, response).await;
        assert!(matches!(returned, Ok(Err(RecvError { .. }))));
        assert!(handle.requests().is_none());
    }

    #[tokio::test]
    async fn nobody_can_send_when_the_last_handle_is_gone() {
        let (handle, mut response, _end) = handle();
        let other = handle.clone();
        drop(handle);
        assert!(!is_closed(&mut response));
        drop(other);
        assert!(is_closed(&mut response));
    }

    fn is_closed(response: &mut oneshot::Receiver<&'static str>) -> bool {
        response.try_recv() == Err(TryRecvError::Closed)
    }

    const PATIENCE: Duration = Duration::from_secs(1);
}
