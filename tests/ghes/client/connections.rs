//! What becomes of connections that are kept, and of checks that nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::check::{CheckErrorKind, CheckRequest};
use ghes_gatekeeper::ghes::GhesClient;
use ghes_gatekeeper::token::AccessToken;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::outcome::Outcome;
use super::sockets::{ask, client, closed, ok, read_request, refusing, server, truncated};
use super::{TOKEN, app, live};

/// A server that answers once on each connection and then does as it is told.
async fn answering_once<F: Future<Output = ()> + Send + 'static>(
    then: impl Fn(TcpStream) -> F + Clone + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let url = server(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        let then = then.clone();
        async move {
            read_request(&mut stream).await;
            let reply = ok(&live());
            stream.write_all(reply.as_bytes()).await.expect("a reply");
            then(stream).await;
        }
    })
    .await;
    (url, connections)
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_replaced() {
    let (noticed, mut notice) = tokio::sync::mpsc::unbounded_channel();
    let (url, connections) = answering_once(move |mut stream| {
        let noticed = noticed.clone();
        async move {
            stream.shutdown().await.expect("an open connection");
            // The client's end of it, which comes when the client has seen ours.
            let ended = stream.read(&mut [0]).await;
            assert_eq!(ended.expect("an end"), 0);
            let _ = noticed.send(());
        }
    })
    .await;
    let client = client(&url).with_timeout(Duration::from_secs(60));
    for connection in 1..=3 {
        assert_eq!(Outcome::of(&ask(&client).await), Outcome::Active);
        assert_eq!(connections.load(Ordering::SeqCst), connection);
        notice.recv().await.expect("a closed connection");
    }
}

/// GHES may have begun with the second request, and the transport cannot know that it may be
/// repeated; whoever asked knows.
#[tokio::test]
async fn a_kept_connection_that_is_closed_under_a_request_is_not_retried_here() {
    let (url, connections) = answering_once(async |mut stream| {
        read_request(&mut stream).await;
    })
    .await;
    let client = client(&url).with_timeout(Duration::from_secs(60));
    assert_eq!(Outcome::of(&ask(&client).await), Outcome::Active);
    assert_eq!(Outcome::of(&ask(&client).await), closed());
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(Outcome::of(&ask(&client).await), Outcome::Active);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_kept_connection_that_breaks_within_its_second_reply_is_truncated() {
    let (url, connections) = answering_once(async |mut stream| {
        read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n")
            .await
            .expect("a start");
    })
    .await;
    let client = client(&url).with_timeout(Duration::from_secs(60));
    assert_eq!(Outcome::of(&ask(&client).await), Outcome::Active);
    assert_eq!(Outcome::of(&ask(&client).await), truncated());
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_check_that_nobody_waits_for_any_more_is_given_up() {
    let (asked, was_asked) = oneshot::channel();
    let (gone, is_gone) = oneshot::channel();
    let events = Arc::new(std::sync::Mutex::new(Some((asked, gone))));
    let url = server(move |mut stream| {
        let events = events.lock().expect("no panic").take();
        async move {
            let (asked, gone) = events.expect("one connection");
            read_request(&mut stream).await;
            asked.send(()).expect("a test");
            let ended = stream.read(&mut [0]).await;
            let _ = gone.send(ended.expect("an end"));
        }
    })
    .await;
    let client = client(&url).with_timeout(Duration::from_secs(60));
    let check = tokio::spawn(async move { ask(&client).await.map(drop) });
    was_asked.await.expect("a request");
    check.abort();
    assert_eq!(is_gone.await.expect("the client's end"), 0);
}

/// A client of hyper's without our connector tells less, so that less is believed of it.
#[tokio::test]
async fn a_foreign_transport_does_not_tell_whether_a_reply_had_begun() {
    let check = async |url: &str| {
        let transport: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let url = url.parse().expect("a URL");
        let client = GhesClient::new(&url, &app(), transport).expect("an app");
        let request = CheckRequest::new(AccessToken::new(TOKEN));
        Outcome::of(&client.oneshot(request).await)
    };
    let url = server(async |mut stream| read_request(&mut stream).await).await;
    assert_eq!(check(&url).await, truncated());
    let connect = Outcome::unprocessed(CheckErrorKind::Connect, "connect");
    let (_bound, address) = refusing();
    assert_eq!(check(&format!("http://{address}")).await, connect);
}
