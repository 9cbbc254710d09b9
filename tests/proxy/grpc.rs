//! gRPC from end to end: tonic's client, the gate, and tonic's server.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use futures_util::stream::{self, Stream, StreamExt};
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Request, Response, Status, Streaming};
use tower::util::BoxCloneService;

use super::TOKEN;
use super::support::{Gate, PATIENCE};
use super::tls::{Directory, connector, pair};
use super::upstreams::{Authority, acceptor, pem};

/// Messages that are nothing but bytes.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// Tells the test that a call is over.
#[derive(Clone)]
struct CallEnds(mpsc::UnboundedSender<()>);

impl Drop for CallEnds {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

fn not_ready() -> Status {
    Status::with_details(
        Code::FailedPrecondition,
        "café 100%\n",
        Bytes::from_static(b"\0why"),
    )
}

/// Says who asks, and how long for.
async fn greet(request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    let field = |name| {
        request
            .metadata()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let (user, timeout) = (field("x-forwarded-user"), field("grpc-timeout"));
    let answer = format!("{} {}", user.unwrap_or("nobody"), timeout.unwrap_or("ever"));
    Ok(Response::new(answer.into()))
}

/// Sends the numbers below one, and fails then.
async fn count(request: Request<Bytes>) -> Result<Response<Messages>, Status> {
    let numbers = (0..request.get_ref()[0]).map(|number| Ok(Bytes::from(vec![number])));
    let messages = stream::iter(numbers.chain([Err(not_ready())]));
    Ok(Response::new(messages.boxed()))
}

/// Counts bytes.
async fn measure(request: Request<Streaming<Bytes>>) -> Result<Response<Bytes>, Status> {
    let messages = request.into_inner();
    let length = messages
        .fold(0, async |sum, message| sum + message.expect("one").len())
        .await;
    Ok(Response::new(length.to_string().into()))
}

async fn answer(
    request: http::Request<Incoming>,
    calls: mpsc::UnboundedSender<()>,
) -> Result<http::Response<Body>, Infallible> {
    use tower::service_fn;
    let mut grpc = tonic::server::Grpc::new(Plain);
    let path = request.uri().path().to_owned();
    Ok(match &*path {
        "/Test/Greet" => grpc.unary(service_fn(greet), request).await,
        "/Test/Fail" => {
            let fail = async |_| Err::<Response<Bytes>, _>(not_ready());
            grpc.unary(service_fn(fail), request).await
        }
        "/Test/Count" => grpc.server_streaming(service_fn(count), request).await,
        "/Test/Measure" => grpc.client_streaming(service_fn(measure), request).await,
        "/Test/Echo" => {
            let echo = async |request: Request<Streaming<Bytes>>| {
                Ok::<_, Status>(Response::new(request.into_inner()))
            };
            grpc.streaming(service_fn(echo), request).await
        }
        "/Test/Hang" => {
            let hang = move |_: Request<Bytes>| {
                let ends = CallEnds(calls.clone());
                let _ = ends.0.send(());
                async move {
                    let _ends = ends;
                    pending::<Result<Response<Bytes>, Status>>().await
                }
            };
            grpc.unary(service_fn(hang), request).await
        }
        "/Test/Tick" => {
            let tick = move |_: Request<Bytes>| {
                let ends = CallEnds(calls.clone());
                let first = stream::iter([Ok(Bytes::from_static(b"tick"))]);
                let messages = first.chain(stream::pending()).map(move |message| {
                    let _ends = &ends;
                    message
                });
                async { Ok::<_, Status>(Response::new(messages)) }
            };
            grpc.server_streaming(service_fn(tick), request).await
        }
        _ => Status::unimplemented("no such method").into_http(),
    })
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    calls: mpsc::UnboundedSender<()>,
) {
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let service = service_fn(move |request| answer(request, calls.clone()));
    // The gate ends it.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

type Calls = tonic::client::Grpc<
    BoxCloneService<http::Request<Body>, http::Response<Incoming>, hyper::Error>,
>;

async fn calls_over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Calls {
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = handshake.expect("a connection");
    tokio::spawn(connection);
    let service = tower::service_fn(move |request| {
        let mut sender = sender.clone();
        async move { sender.send_request(request).await }
    });
    let origin = http::Uri::from_static("http://tools");
    tonic::client::Grpc::with_origin(BoxCloneService::new(service), origin)
}

/// A client, the gate, and what the server says of calls that it gave up.
struct Line {
    calls: Calls,
    _gate: Gate,
    given_up: mpsc::UnboundedReceiver<()>,
}

impl Line {
    async fn plain(routes: impl FnOnce(SocketAddr) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, given_up) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone()));
            }
        });
        let gate = Gate::start(&format!("[server]\nh2c = true\n{}", routes(address))).await;
        Self {
            calls: calls_over(gate.connect().await.0).await,
            _gate: gate,
            given_up,
        }
    }

    async fn over_tls() -> Self {
        let authority = Authority::new();
        let acceptor = acceptor(&authority, "localhost", false, &["h2"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, given_up) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let stream = acceptor.accept(stream).await.expect("a handshake");
                tokio::spawn(serve(stream, sender.clone()));
            }
        });
        let (pair, directory) = (pair(), Directory::new());
        directory.write(&pair);
        let ca = pem(&authority.0.pem());
        let route = format!(
            "[[routes]]\npath = \"/\"\nupstream = \"https://localhost:{port}\"\n\
             [routes.upstream_tls]\nca_file = \"{}\"\n",
            ca.0.display()
        );
        let gate = Gate::start_with(&route, Some(directory.tls())).await;
        let stream = gate.connect().await.0;
        let name = "localhost".try_into().expect("a name");
        let stream = connector(&pair, &[b"h2"]).connect(name, stream).await;
        Self {
            calls: calls_over(stream.expect("a handshake")).await,
            _gate: gate,
            given_up,
        }
    }

    async fn call(&mut self, method: &str, request: Request<Bytes>) -> Result<Bytes, Status> {
        let response = self.calls.unary(request, path(method), Plain).await;
        response.map(Response::into_inner)
    }

    async fn given_up(&mut self) {
        let given_up = timeout(PATIENCE, self.given_up.recv()).await;
        given_up.expect("in time").expect("a server");
    }
}

fn route(path: &str, upstream: SocketAddr, more: &str) -> String {
    format!("[[routes]]\npath = \"{path}\"\nupstream = \"h2c://{upstream}\"\n{more}\n")
}

fn everything(upstream: SocketAddr) -> String {
    route("/", upstream, "")
}

fn path(method: &str) -> PathAndQuery {
    format!("/Test/{method}").parse().expect("a path")
}

/// A call with these messages, and a good token.
fn with_token<M>(messages: M) -> Request<M> {
    let mut request = Request::new(messages);
    let token = format!("Bearer {TOKEN}").parse().expect("a token");
    request.metadata_mut().insert("authorization", token);
    request
}

async fn every_kind_of_call(line: &mut Line) {
    let greeting = line.call("Greet", with_token(Bytes::new())).await;
    assert_eq!(greeting.expect("a greeting"), "octocat ever");

    let request = with_token(Bytes::from_static(&[3]));
    let counted = line
        .calls
        .server_streaming(request, path("Count"), Plain)
        .await;
    let mut counted = counted.expect("numbers").into_inner();
    for number in 0..3 {
        let message = counted.message().await.expect("a message");
        assert_eq!(message.expect("a number"), vec![number]);
    }
    // This status comes as trailers.
    assert_not_ready(&counted.message().await.expect_err("an end"));
    // And this one, without a message before it, in the head.
    let failed = line.call("Fail", with_token(Bytes::new())).await;
    assert_not_ready(&failed.expect_err("a failure"));

    let pieces = stream::repeat(Bytes::from(vec![0; 1 << 16])).take(32);
    let request = with_token(pieces);
    let measured = line
        .calls
        .client_streaming(request, path("Measure"), Plain)
        .await;
    assert_eq!(measured.expect("a length").into_inner(), "2097152");

    let (sender, mut receiver) = mpsc::channel(1);
    let said = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let echoes = line
        .calls
        .streaming(with_token(said), path("Echo"), Plain)
        .await;
    let mut echoes = echoes.expect("echoes").into_inner();
    for said in ["one", "two", ""] {
        sender.send(Bytes::from(said)).await.expect("a call");
        let echo = echoes.message().await.expect("a message");
        assert_eq!(echo.expect("an echo"), said);
    }
    drop(sender);
    assert_eq!(echoes.message().await.expect("an end"), None);
}

#[track_caller]
fn assert_not_ready(status: &Status) {
    let expected = not_ready();
    assert_eq!(
        (status.code(), status.message(), status.details()),
        (expected.code(), expected.message(), expected.details()),
    );
}

#[tokio::test]
async fn every_kind_of_call_passes() {
    every_kind_of_call(&mut Line::plain(everything).await).await;
}

#[tokio::test]
async fn every_kind_of_call_passes_over_tls() {
    every_kind_of_call(&mut Line::over_tls().await).await;
}

#[tokio::test]
async fn a_deadline_arrives_as_it_was_sent() {
    let mut line = Line::plain(everything).await;
    for deadline in ["1n", "250m", "5000000u", "99999999H"] {
        let mut request = with_token(Bytes::new());
        let value = deadline.parse().expect("a value");
        request.metadata_mut().insert("grpc-timeout", value);
        let greeting = line.call("Greet", request).await.expect("a greeting");
        assert_eq!(greeting, format!("octocat {deadline}"));
    }
}

#[tokio::test]
async fn a_call_that_the_client_gives_up_ends_at_the_server() {
    let mut line = Line::plain(everything).await;
    let (request, mut calls) = (with_token(Bytes::new()), line.calls.clone());
    let mut call = Box::pin(calls.unary(request, path("Hang"), Plain));
    tokio::select! {
        biased;
        answer = &mut call => panic!("{answer:?}"),
        // It has begun.
        () = line.given_up() => {}
    }
    drop(call);
    line.given_up().await;

    let request = with_token(Bytes::new());
    let ticks = line
        .calls
        .server_streaming(request, path("Tick"), Plain)
        .await;
    let mut ticks = ticks.expect("ticks").into_inner();
    assert_eq!(
        ticks.message().await.expect("a message").expect("one"),
        "tick"
    );
    drop(ticks);
    line.given_up().await;
}

/// Clients would take our JSON for a broken message.
#[tokio::test]
async fn who_is_turned_away_is_told_why() {
    let nobody = ([127, 0, 0, 1], 1).into();
    let mut line = Line::plain(|address| {
        let open = [("/Test/Greet", address, ""), ("/Test/Fail", nobody, "")];
        let closed = [("/Test/Count", address, "scopes = [\"admin:org\"]")];
        let routes = open.into_iter().chain(closed);
        routes
            .map(|(path, upstream, more)| route(path, upstream, more))
            .collect()
    })
    .await;
    let anonymous = Request::new(Bytes::new());
    let mut unknown = Request::new(Bytes::new());
    let token = "Bearer gho_nobody".parse().expect("a token");
    unknown.metadata_mut().insert("authorization", token);
    let known = || with_token(Bytes::new());
    for (method, request, code) in [
        ("Greet", anonymous, Code::Unauthenticated),
        ("Greet", unknown, Code::Unauthenticated),
        ("Count", known(), Code::PermissionDenied),
        ("Echo", known(), Code::Unimplemented),
        ("Fail", known(), Code::Unavailable),
    ] {
        let status = line.call(method, request).await.expect_err("a rejection");
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().ends_with('.'), "{status:?}");
    }
    let greeting = timeout(Duration::from_secs(30), line.call("Greet", known())).await;
    assert!(greeting.expect("in time").is_ok());
}
