//! What one client may have under way, and what an upstream may have.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::support::{Client, Gate, PATIENCE, body, headers, read_message, route, status};
use super::{TOKEN, streaming_http2, websocket_http2};

/// A gate before an upstream that answers when the test does.
struct Scene {
    gate: Gate,
    asked: mpsc::UnboundedReceiver<(TcpStream, String)>,
    /// The client's connection of HTTP/2, if it has one.
    multiplexed: Option<SendRequest<Empty<Bytes>>>,
    /// Requests that got through, and that nobody may want any more.
    given_up: Vec<JoinHandle<Answer>>,
}

/// An answer: its status, its fields and its body.
type Answer = (u16, Vec<String>, String);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Http1,
    Http2,
}

/// A client: where it connects from, and what the load balancer says of it.
#[derive(Clone, Copy, Debug)]
struct From(&'static str, Option<&'static str>);

const DIRECT: From = From("127.0.0.1", None);

impl Scene {
    async fn start(over: Over, server: &str, more: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    if let Some(request) = read_message(&mut stream).await {
                        let _ = sender.send((stream, request));
                    }
                });
            }
        });
        let route = route(
            "/",
            address,
            &format!("anonymous = true\nexact = true\n{more}"),
        );
        let gate = Gate::start(&format!("[server]\nh2c = true\n{server}\n{route}")).await;
        let multiplexed = match over {
            Over::Http1 => None,
            Over::Http2 => Some(streaming_http2::client(&gate).await),
        };
        Self {
            gate,
            asked,
            multiplexed,
            given_up: Vec::new(),
        }
    }

    /// Begins a request of a client.
    fn ask(&self, from: From) -> JoinHandle<Answer> {
        let From(_, told) = from;
        match self.multiplexed.clone() {
            // All its streams are on one connection.
            Some(client) if from.0 == DIRECT.0 => tokio::spawn(ask_http2(client, told)),
            _ => tokio::spawn(ask_http1(self.gate.address, from)),
        }
    }

    /// The next request that reaches the upstream.
    async fn asked(&mut self) -> TcpStream {
        let asked = timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("in time").expect("a request").0
    }

    /// Asks until a request gets through, as soon as another has ended.
    async fn gets_through(&mut self, from: From) -> TcpStream {
        let trying = async {
            loop {
                let mut answer = self.ask(from);
                tokio::select! {
                    asked = self.asked.recv() => {
                        self.given_up.push(answer);
                        return asked.expect("a request").0;
                    }
                    answer = &mut answer => assert_eq!(answer.expect("no panic").0, 429),
                }
            }
        };
        timeout(PATIENCE, trying).await.expect("in time")
    }

    /// A request that reaches the upstream soon, if there is one.
    async fn asked_soon(&mut self) -> Option<TcpStream> {
        let asked = timeout(Duration::from_millis(50), self.asked.recv()).await;
        asked.ok().flatten().map(|(stream, _)| stream)
    }

    async fn is_refused(&self, from: From) {
        let (status, fields, body) = self.ask(from).await.expect("no panic");
        assert_eq!(status, 429, "{from:?}");
        assert!(fields.contains(&"retry-after: 1".to_owned()), "{fields:?}");
        assert!(body.contains("\"reason\":\"too_many_at_once\""), "{body}");
    }

    async fn count(&self, outcome: &str) -> String {
        let get = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let metrics = self.gate.admin().await.exchange(get).await;
        let of_outcome = |line: &&str| {
            line.starts_with("ghes_gatekeeper_requests_total{") && line.contains(outcome)
        };
        let line = metrics.lines().find(of_outcome).expect("a count");
        line.rsplit(' ').next().expect("a number").to_owned()
    }
}

async fn connection(address: SocketAddr, from: &str) -> Client {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from: IpAddr = from.parse().expect("an address");
    socket.bind((from, 0).into()).expect("an address of ours");
    Client(socket.connect(address).await.expect("a connection"))
}

async fn ask_http1(address: SocketAddr, From(from, told): From) -> Answer {
    let told = told.map(|told| format!("X-Forwarded-For: {told}\r\n"));
    let told = told.unwrap_or_default();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{told}\r\n");
    let answer = connection(address, from).await.exchange(&request).await;
    let fields = headers(&answer).into_iter().map(ToOwned::to_owned);
    (status(&answer), fields.collect(), body(&answer).to_owned())
}

async fn ask_http2(mut client: SendRequest<Empty<Bytes>>, told: Option<&str>) -> Answer {
    let mut request = Request::get("http://a/");
    if let Some(told) = told {
        request = request.header("x-forwarded-for", told);
    }
    let request = request.body(Empty::new()).expect("a request");
    let answer = client.send_request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let fields = answer.headers().iter();
    let fields = fields.map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")));
    let fields = fields.collect();
    let body = answer.into_body().collect().await.expect("a body");
    let body = String::from_utf8(body.to_bytes().to_vec()).expect("UTF-8");
    (status, fields, body)
}

/// A client by its address, one that a trusted proxy names, and a /64 of IPv6, each with another
/// client that is not it.
const CLIENTS: [([From; 2], From); 3] = [
    ([DIRECT, DIRECT], From("127.0.0.2", None)),
    (
        [
            From("127.0.0.1", Some("192.0.2.1")),
            From("127.0.0.1", Some("6.6.6.6, 192.0.2.1")),
        ],
        From("127.0.0.1", Some("192.0.2.2")),
    ),
    (
        [
            From("127.0.0.1", Some("2001:db8::1")),
            From("127.0.0.1", Some("2001:db8::ffff:2")),
        ],
        From("127.0.0.1", Some("2001:db8:0:1::1")),
    ),
];

const TRUSTING: &str = "trusted_proxies = [\"127.0.0.1\"]\nlimits.requests_per_client = 3";

#[tokio::test]
async fn a_client_has_so_many_requests_under_way_over_http1() {
    has_so_many(Over::Http1).await;
}

#[tokio::test]
async fn a_client_has_so_many_requests_under_way_over_http2() {
    has_so_many(Over::Http2).await;
}

async fn has_so_many(over: Over) {
    for ([mine, also_mine], other) in CLIENTS {
        let mut scene = Scene::start(over, TRUSTING, "").await;
        let _under_way = [mine, also_mine, mine].map(|from| scene.ask(from));
        let mut upstream = scene.asked().await;
        let _others = [scene.asked().await, scene.asked().await];
        scene.is_refused(mine).await;
        scene.is_refused(also_mine).await;
        assert_eq!(scene.count("too_many_at_once").await, "2");

        let of_other = scene.ask(other);
        let mut its_upstream = scene.asked().await;
        answer(&mut its_upstream, "hello").await;
        assert_eq!(of_other.await.expect("no panic").0, 200, "{other:?}");

        let half = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nhel";
        upstream.write_all(half).await.expect("a connection");
        scene.is_refused(mine).await;
        upstream.write_all(b"lo!").await.expect("a connection");
        scene.gets_through(also_mine).await;
    }
}

async fn answer(upstream: &mut TcpStream, body: &str) {
    let length = body.len();
    // Each connection of the upstream here is for one request.
    let close = format!("connection: close\r\ncontent-length: {length}");
    let answer = format!("HTTP/1.1 200 OK\r\n{close}\r\n\r\n{body}");
    let written = upstream.write_all(answer.as_bytes()).await;
    written.expect("a connection");
}

/// A client that resets its streams or closes its connections has nothing under way.
#[tokio::test]
async fn requests_that_are_given_up_do_not_count() {
    for over in [Over::Http1, Over::Http2] {
        let mut scene = Scene::start(over, TRUSTING, "").await;
        for _ in 0..3 {
            let mut upstreams = Vec::new();
            for _ in 0..3 {
                upstreams.push(scene.gets_through(DIRECT).await);
            }
            // Those that got through are given up with their tasks.
            scene
                .given_up
                .drain(..)
                .for_each(|given_up| given_up.abort());
        }
        scene.gets_through(DIRECT).await;
    }
}

#[tokio::test]
async fn a_websocket_counts_for_as_long_as_it_lives_over_http1() {
    let mut scene = Scene::start(Over::Http1, "limits.requests_per_client = 1", "").await;
    let mut client = scene.gate.connect().await;
    client
        .send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await;
    let upstream = scene.agree().await;
    assert_eq!(status(&client.response().await), 101);
    scene.is_refused(DIRECT).await;
    drop((client, upstream));
    scene.gets_through(DIRECT).await;
}

#[tokio::test]
async fn a_websocket_counts_for_as_long_as_it_lives_over_http2() {
    let mut scene = Scene::start(Over::Http1, "limits.requests_per_client = 1", "").await;
    let mut client = websocket_http2::client(&scene.gate).await;
    let mut handshake = websocket_http2::handshake(TOKEN);
    *handshake.uri_mut() = "http://tools/".parse().expect("a URI");
    let answer = client.send_request(handshake);
    let (answer, upstream) = tokio::join!(answer, scene.agree());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    scene.is_refused(DIRECT).await;
    drop((answer, client, upstream));
    scene.gets_through(DIRECT).await;
}

impl Scene {
    /// Agrees to be talked to as a WebSocket.
    async fn agree(&mut self) -> TcpStream {
        let asked = timeout(PATIENCE, self.asked.recv()).await;
        let (mut upstream, request) = asked.expect("in time").expect("a request");
        let key = headers(&request);
        let key = key
            .iter()
            .find_map(|line| line.strip_prefix("sec-websocket-key: "));
        let accept = derive_accept_key(key.expect("a key").as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        upstream.write_all(answer.as_bytes()).await.expect("a gate");
        upstream
    }
}

#[tokio::test]
async fn an_upstream_has_so_many_requests_and_others_wait_over_http1() {
    others_wait(Over::Http1).await;
}

#[tokio::test]
async fn an_upstream_has_so_many_requests_and_others_wait_over_http2() {
    others_wait(Over::Http2).await;
}

async fn others_wait(over: Over) {
    for ([mine, _], other) in CLIENTS {
        let server = "trusted_proxies = [\"127.0.0.1\"]\nlimits.upstream_connections = 2";
        let mut scene = Scene::start(over, server, "").await;
        let _first = scene.ask(mine);
        let mut upstream = scene.asked().await;
        let _second = scene.ask(mine);
        let _upstream = scene.asked().await;
        let waits = scene.ask(other);
        assert!(scene.asked_soon().await.is_none(), "a third one");
        upstream
            .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            .await
            .expect("a gate");
        assert!(scene.asked_soon().await.is_none(), "it has not ended");
        drop(upstream);
        let mut upstream = scene.asked().await;
        answer(&mut upstream, "hello").await;
        assert_eq!(waits.await.expect("no panic").0, 200, "{other:?}");
    }
}

#[tokio::test]
async fn past_the_line_it_is_503_and_another_client_has_its_turn_over_http1() {
    past_the_line(Over::Http1).await;
}

#[tokio::test]
async fn past_the_line_it_is_503_and_another_client_has_its_turn_over_http2() {
    past_the_line(Over::Http2).await;
}

async fn past_the_line(over: Over) {
    for ([mine, _], other) in CLIENTS {
        let server = "trusted_proxies = [\"127.0.0.1\"]\nlimits.upstream_connections = 1\n\
                      limits.streams_per_connection = 1000";
        let mut scene = Scene::start(over, server, "").await;
        let _first = scene.ask(mine);
        let upstream = scene.asked().await;
        let mut line: Vec<_> = (0..=ONE_CLIENTS_LINE).map(|_| scene.ask(mine)).collect();
        let (late, at, _) = futures_util::future::select_all(&mut line).await;
        let (status, fields, body) = late.expect("no panic");
        assert_eq!(status, 503, "{body}");
        assert!(fields.contains(&"retry-after: 1".to_owned()), "{fields:?}");
        assert!(body.contains("\"reason\":\"upstream_busy\""), "{body}");
        assert_eq!(scene.count("upstream_busy").await, "1");
        line.remove(at);

        let of_other = scene.ask(other);
        assert!(scene.asked_soon().await.is_none());
        drop(upstream);
        // The first of the line, and then the other client.
        let _ = scene.asked().await;
        answer(&mut scene.asked().await, "hello").await;
        assert_eq!(of_other.await.expect("no panic").0, 200, "{other:?}");
    }
}

const ONE_CLIENTS_LINE: usize = 128;

/// One connection carries them all there, so that only their number can be bounded.
#[tokio::test]
async fn an_upstream_of_http2_has_so_many_requests_and_others_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            let answer = service_fn(move |_| {
                let (answer, is_to_answer) = oneshot::channel();
                let _ = sender.send(answer);
                async move {
                    let _ = is_to_answer.await;
                    Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
                }
            });
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), answer));
        }
    });
    for limit in [1, 2, 5] {
        let routes = format!(
            "[server]\nlimits.upstream_connections = {limit}\n[[routes]]\npath = \"/\"\n\
             exact = true\nanonymous = true\nupstream = \"h2c://{address}\"\n"
        );
        let gate = Gate::start(&routes).await;
        let asks: Vec<_> = (0..=limit)
            .map(|_| tokio::spawn(ask_http1(gate.address, DIRECT)))
            .collect();
        let mut under_way = Vec::new();
        for _ in 0..limit {
            let next = timeout(PATIENCE, asked.recv()).await;
            under_way.push(next.expect("in time").expect("a request"));
        }
        let more = timeout(Duration::from_millis(50), asked.recv()).await;
        assert!(more.is_err(), "one more than {limit}");
        under_way.pop();
        let last = timeout(PATIENCE, asked.recv()).await;
        drop((last.expect("in time"), under_way));
        for ask in asks {
            assert_eq!(ask.await.expect("no panic").0, 200);
        }
    }
}
