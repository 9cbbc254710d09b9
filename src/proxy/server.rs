//! Accepting connections, and ending them well.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::BoxError;

/// Serves HTTP/1.1 on `listener` until `shutdown` completes, then lets requests end.
///
/// `make_service` makes the service of one connection from the address of its peer. After
/// `shutdown` no connection is accepted, idle ones are closed, and requests under way have ten
/// seconds to end.
pub async fn serve<S, B>(
    listener: TcpListener,
    mut make_service: impl FnMut(SocketAddr) -> S,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let closing = watch::Sender::new(());
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener) => accepted,
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), make_service(peer))
            .with_upgrades();
        let mut is_closing = closing.subscribe();
        tasks.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                _ = is_closing.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, "connection ended: {error}");
            }
        });
        // What has ended is let go of, so that the set grows with connections and not with time.
        while tasks.try_join_next().is_some() {}
    }
    drop(listener);
    closing.send_replace(());
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIMEOUT, all_ended)
        .await
        .is_err()
    {
        tracing::warn!("requests still under way were cut off at shutdown");
        tasks.shutdown().await;
    }
}

/// Waits for the next connection, whatever happens to others.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Responses are written whole, so there is nothing that waiting could join.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, "cannot set TCP_NODELAY: {error}");
                }
                return (stream, peer);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("cannot accept a connection: {error}");
                // Out of file descriptors, most likely: trying again at once would only spin.
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// Long enough for a client on a bad line, short enough that idle sockets do not pile up. It also
/// ends connections that are kept alive without a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// As many as Apache and nginx clients ever need, and few enough to look through on each request.
const MAX_HEADERS: usize = 100;

/// The largest head; hyper's own limit of about 400 KB is what an attacker would use.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Less than the 30 s that process managers give before they kill.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Long enough for some connections to end, short enough not to be noticed by clients that wait.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
