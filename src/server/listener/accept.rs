use std::io;
use std::time::Duration;

use super::Listener;
use crate::server::listener::accepted::Accepted;
use crate::server::peer::Peer;

/// Waits for the next connection, whatever errors others have.
pub(in crate::server) async fn accept(listener: &Listener) -> (Accepted, Peer) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!("cannot accept a connection: {error}");
                // Most likely out of file descriptors: an immediate retry would only spin.
                tokio::time::sleep(BACKOFF).await;
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

/// Long enough for some connections to end, short enough not to be noticed by clients that wait.
const BACKOFF: Duration = Duration::from_millis(100);
