use std::pin::pin;

use tokio::sync::watch;

/// What requests are handed to a connection with, and the news of its end.
#[derive(Clone)]
pub(super) struct Handle<S> {
    pub(super) requests: S,
    pub(super) ended: Ended,
}

/// Completes when the connection is gone. Nothing is ever sent; what counts is that the sender is
/// dropped.
#[derive(Clone)]
pub(super) struct Ended(watch::Receiver<()>);

impl Ended {
    pub(super) async fn wait(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl<S> Handle<S> {
    /// Lets a connection work until its last handle is dropped, or it ends by itself.
    pub(super) fn drive(
        requests: S,
        connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
    ) -> Self {
        let (working, ended) = watch::channel(());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("connection to an upstream ended: {error}");
            }
            drop(working);
        });
        let ended = Ended(ended);
        Self { requests, ended }
    }

    /// Waits for a response, and hands back the handle unless the connection has ended.
    ///
    /// hyper queues requests for the task of their connection. One that is queued in the very
    /// moment in which the task ends lies there until the last handle is dropped
    /// (hyperium/hyper#4122); to wait for its response with the handle in hand is to wait for
    /// ever. Without it, hyper returns the request as one that was not sent.
    pub(super) async fn response<T, E>(
        mut self,
        response: impl Future<Output = Result<T, E>>,
    ) -> Result<(T, Option<Self>), E> {
        let mut response = pin!(response);
        tokio::select! {
            biased;
            response = &mut response => return Ok((response?, Some(self))),
            () = self.ended.wait() => drop(self),
        }
        // It may have come just before the end.
        Ok((response.await?, None))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot::{self, error::RecvError};
    use tokio::time::timeout;

    use super::*;

    /// A handle whose drop is what ends the wait for a response, as it is for a request that lies
    /// in the queue of a connection that has ended; with what ends the connection.
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

    const PATIENCE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_request_that_its_connection_did_not_take_is_not_waited_for() {
        let (handle, response, end) = handle();
        let mut waiting = pin!(handle.response(response));
        assert!(timeout(PATIENCE, &mut waiting).await.is_err());
        drop(end);
        let returned = timeout(PATIENCE, waiting).await.expect("an end");
        assert!(matches!(returned, Err(RecvError { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_has_ended_before_is_not_waited_for() {
        let (mut handle, response, end) = handle();
        drop(end);
        handle.ended.wait().await;
        let returned = timeout(PATIENCE, handle.response(response)).await;
        assert!(returned.expect("an end").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_leaves_the_connection_to_the_next() {
        let (handle, _, _end) = handle();
        let response = async { Ok::<_, RecvError>("hello") };
        let (response, handle) = handle.response(response).await.expect("a response");
        assert_eq!(response, "hello");
        assert!(handle.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_followed_by_the_end_is_not_lost() {
        let (handle, _, end) = handle();
        let response = async {
            drop(end);
            tokio::time::sleep(PATIENCE).await;
            Ok::<_, RecvError>("hello")
        };
        let (response, handle) = handle.response(response).await.expect("a response");
        assert_eq!(response, "hello");
        assert!(handle.is_none(), "there is nothing to be used again");
    }
}
