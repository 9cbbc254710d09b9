//! What kept a reply away, told by the types in a chain of errors, never by their texts.

mod chain;
mod connect_error;

use std::error::Error;
use std::io;

use http::Extensions;
use http_body_util::LengthLimitError;
use hyper_util::client::legacy;

use self::chain::{find, is_tls};
pub(super) use self::connect_error::{ConnectError, NO_TLS};

use self::connect_error::of_no_connection;
use super::watched_stream::ReplyProgress;
use crate::check::CheckErrorKind;

/// Names what went wrong before the head of a reply was complete.
pub(in crate::ghes) fn of_no_head(error: &(dyn Error + 'static)) -> CheckErrorKind {
    if let Some(error) = find::<ConnectError>(error) {
        return error.kind();
    }
    if is_tls(error) {
        return CheckErrorKind::Tls;
    }
    let client = find::<legacy::Error>(error);
    if client.is_some_and(legacy::Error::is_connect) {
        return of_no_connection(error);
    }
    match (find::<hyper::Error>(error), find::<io::Error>(error)) {
        (Some(hyper), _) if hyper.is_parse_too_large() => CheckErrorKind::TooLarge,
        // An attacker who can put noise on the line can also cut it, so a peer that does not speak
        // HTTP is no more suspicious than a peer that is absent.
        (Some(hyper), _) if hyper.is_parse() => CheckErrorKind::UnexpectedResponse,
        (Some(hyper), _) if hyper.is_canceled() || hyper.is_closed() => CheckErrorKind::Closed,
        (Some(hyper), _) if hyper.is_incomplete_message() => of_broken_connection(client),
        (Some(_), Some(_)) => of_broken_connection(client),
        (None, Some(io)) => of_io(io.kind()),
        // What is left: the peer spoke before it was asked. hyper has no method for that.
        (Some(hyper), None) if !hyper.is_user() => CheckErrorKind::UnexpectedResponse,
        (_, None) => CheckErrorKind::Unavailable,
    }
}

/// Names what went wrong after the head of a reply.
pub(in crate::ghes) fn of_broken_body(error: &(dyn Error + 'static)) -> CheckErrorKind {
    if find::<LengthLimitError>(error).is_some() {
        return CheckErrorKind::TooLarge;
    }
    if is_tls(error) {
        return CheckErrorKind::Tls;
    }
    // So hyper names chunks that are none.
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
            CheckErrorKind::UnexpectedResponse
        }
        _ => CheckErrorKind::Truncated,
    }
}

fn of_broken_connection(client: Option<&legacy::Error>) -> CheckErrorKind {
    let mut extensions = Extensions::new();
    match client.map(legacy::Error::connect_info) {
        Some(Some(connected)) => connected.get_extras(&mut extensions),
        // It broke before it took the request.
        Some(None) => return CheckErrorKind::Closed,
        None => {}
    }
    let progress = extensions.get::<ReplyProgress>();
    // A foreign connection does not tell, and what may have been processed is not sent again.
    if progress.is_none_or(ReplyProgress::has_begun) {
        CheckErrorKind::Truncated
    } else {
        CheckErrorKind::Closed
    }
}

/// Of a transport that has no errors of HTTP's.
fn of_io(kind: io::ErrorKind) -> CheckErrorKind {
    match kind {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => CheckErrorKind::Connect,
        io::ErrorKind::TimedOut => CheckErrorKind::Timeout,
        _ => CheckErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Uri;
    use http_body_util::Full;
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::ghes::wire::watched_stream::WatchedStream;

    /// What comes of a request over a connection on which a server has said this and gone.
    async fn kind_after(said: &'static str) -> CheckErrorKind {
        let connector = tower::service_fn(move |_: Uri| {
            Box::pin(async move {
                let (ours, mut theirs) = tokio::io::duplex(64);
                theirs.write_all(said.as_bytes()).await?;
                Ok::<_, io::Error>(TokioIo::new(WatchedStream::new(ours)))
            })
        });
        let client = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector);
        let request = client.get(Uri::from_static("http://ghes.example.com/"));
        of_no_head(&request.await.unwrap_err())
    }

    #[tokio::test]
    async fn what_comes_before_a_request_is_no_reply_to_it() {
        let unexpected = CheckErrorKind::UnexpectedResponse;
        assert_eq!(kind_after("HTTP/1.1 200 OK\r\n\r\n").await, unexpected);
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_a_request_has_not_seen_it() {
        assert_eq!(kind_after("").await, CheckErrorKind::Closed);
    }
}
