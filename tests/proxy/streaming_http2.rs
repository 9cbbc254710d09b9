//! Bodies pass as they come, over HTTP/2 as well.

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::TOKEN;
use super::support::{Gate, headers, read_message, route};

pub(super) type Client = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

/// A client, a gate, and a listener behind it that knows of HTTP/1.1 alone.
async fn start() -> (TcpListener, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let routes = route("/", address, "");
    let gate = Gate::start(&format!("[server]\nh2c = true\n{routes}")).await;
    (listener, gate)
}

pub(super) async fn client(gate: &Gate) -> Client {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let stream = TokioIo::new(gate.connect().await.0);
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
    let (client, connection) = handshake.expect("a connection");
    tokio::spawn(connection);
    client
}

fn request(method: &str, fields: &[(&str, &str)]) -> http::request::Builder {
    let token = format!("Bearer {TOKEN}");
    let request = Request::builder()
        .method(method)
        .uri("http://tools/file")
        .version(Version::HTTP_2)
        .header("authorization", token);
    fields.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

/// The next request, and the connection to answer on.
async fn asked(listener: &TcpListener) -> (TcpStream, String) {
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let request = read_message(&mut upstream).await.expect("a request");
    (upstream, request)
}

async fn answered(
    listener: &TcpListener,
    gate: &Gate,
    request: http::request::Builder,
    answer: &str,
) -> (Response<hyper::body::Incoming>, TcpStream, String) {
    let mut client = client(gate).await;
    let response = client.send_request(request.body(Empty::new()).expect("a request"));
    let upstream = async {
        let (mut upstream, request) = asked(listener).await;
        upstream
            .write_all(answer.as_bytes())
            .await
            .expect("a connection");
        (upstream, request)
    };
    let (response, (upstream, request)) = tokio::join!(response, upstream);
    (response.expect("a response"), upstream, request)
}

#[tokio::test]
async fn an_event_arrives_while_the_next_is_not_there_yet() {
    let (listener, gate) = start().await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let (mut response, mut upstream, _) =
        answered(&listener, &gate, request("GET", &[]), head).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    for number in 0..3 {
        let event = format!("data: {number}\n\n");
        upstream
            .write_all(event.as_bytes())
            .await
            .expect("a connection");
        let frame = response
            .body_mut()
            .frame()
            .await
            .expect("one")
            .expect("a frame");
        assert_eq!(frame.into_data().expect("data"), event);
    }
    drop(upstream);
    let rest = response.into_body().collect().await.expect("an end");
    assert!(rest.to_bytes().is_empty());
}

#[tokio::test]
async fn a_response_is_what_the_upstream_said_of_it() {
    let bytes = "content-range: bytes 2-3/5";
    for (method, fields, answer, status, kept, body) in [
        (
            "HEAD",
            &[][..],
            "200 OK\r\ncontent-length: 1000\r\n\r\n",
            200,
            "content-length: 1000",
            "",
        ),
        (
            "GET",
            &[("range", "bytes=2-3")],
            &format!("206 Partial Content\r\n{bytes}\r\ncontent-length: 2\r\n\r\nll"),
            206,
            bytes,
            "ll",
        ),
        (
            "GET",
            &[("if-none-match", "\"x\"")],
            "304 Not Modified\r\netag: \"x\"\r\n\r\n",
            304,
            "etag: \"x\"",
            "",
        ),
        (
            "GET",
            &[],
            "204 No Content\r\netag: \"x\"\r\n\r\n",
            204,
            "etag: \"x\"",
            "",
        ),
        (
            "GET",
            &[],
            "200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n",
            200,
            "",
            "hi",
        ),
    ] {
        let (listener, gate) = start().await;
        let answer = format!("HTTP/1.1 {answer}");
        let request = request(method, fields);
        let (response, _upstream, seen) = answered(&listener, &gate, request, &answer).await;
        for (name, value) in fields {
            assert!(
                headers(&seen).contains(&&*format!("{name}: {value}")),
                "{seen}"
            );
        }
        assert_eq!(response.status(), status, "{answer}");
        if let Some((name, value)) = kept.split_once(": ") {
            assert_eq!(response.headers()[name], value, "{answer}");
        }
        for gone in ["transfer-encoding", "trailer", "connection"] {
            assert!(!response.headers().contains_key(gone), "{answer}");
        }
        let whole = response.into_body().collect().await.expect("a body");
        assert!(whole.trailers().is_none());
        assert_eq!(whole.to_bytes(), body, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_comes_before_the_end_of_the_upload_and_is_the_end_of_it() {
    let (listener, gate) = start().await;
    let stream = gate.connect().await.0;
    let (client, connection) = h2::client::handshake(stream).await.expect("a connection");
    tokio::spawn(connection);
    let mut client = client.ready().await.expect("a connection");
    let upload = request("POST", &[("expect", "100-continue")])
        .body(())
        .expect("a request");
    let (response, mut sender) = client.send_request(upload, false).expect("a stream");
    sender.send_data("begun".into(), false).expect("a stream");
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let mut begun = Vec::new();
    while !begun.ends_with(b"begun\r\n") {
        assert_ne!(
            upstream.read_buf(&mut begun).await.expect("a connection"),
            0
        );
    }
    let answer = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno";
    upstream.write_all(answer).await.expect("a connection");
    let response = response.await.expect("a response");
    assert_eq!(response.status(), 413);
    let data = response.into_body().data().await.expect("data");
    assert_eq!(data.expect("a stream"), "no");
    // Nobody else gets the rest, and nobody the connection.
    sender.send_reset(h2::Reason::NO_ERROR);
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
}
