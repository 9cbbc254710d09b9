//! Nobody gets what is meant for somebody else, whatever clients and upstreams break off.
//!
//! `GATEKEEPER_EXCHANGES=1000000 cargo test --release --test proxy cross_talk` has a million
//! exchanges; each run prints the seed of its choices.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tower::BoxError;

use super::support::{Gate, route};

const USERS: [&str; 3] = ["octocat", "hubot", "monalisa"];

/// How an upstream answers.
const MANNERS: [&str; 5] = ["whole", "early", "pieces", "broken", "mute"];

/// What one user has to get for one tag.
fn meant_for(user: &str, tag: &str) -> String {
    format!("{user} {tag}\n").repeat(40)
}

type Answer = Result<Response<BoxBody<Bytes, BoxError>>, BoxError>;

/// Answers with who asked for what, in the manner that the path names.
async fn answer(request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let user = head.headers["x-forwarded-user"].to_str()?;
    let mut path = head.uri.path().split('/').skip(1);
    let (manner, tag) = (path.next().ok_or("manner")?, path.next().ok_or("tag")?);
    if manner != "early" {
        let sent = body.collect().await?.to_bytes();
        if sent.chunks(8).any(|piece| *piece != upload(tag)[..8]) {
            // Which fails the test, as a panic here would not.
            let mut mixed_up = Response::new(BoxBody::default());
            *mixed_up.status_mut() = StatusCode::CONFLICT;
            return Ok(mixed_up);
        }
    }
    let meant = Bytes::from(meant_for(user, tag));
    let half = meant.slice(..meant.len() / 2);
    let rest = meant.slice(half.len()..);
    let pieces = match manner {
        "mute" => return Err("no answer".into()),
        "pieces" => vec![Ok(half), Ok(rest)],
        "broken" => vec![Ok(half), Err("broken off".into())],
        _ => {
            let whole = Full::from(meant).map_err(|never: Infallible| match never {});
            return Ok(Response::new(whole.boxed()));
        }
    };
    let pieces = pieces.into_iter().map(|piece| piece.map(Frame::data));
    Ok(Response::new(BodyExt::boxed(StreamBody::new(
        stream::iter(pieces),
    ))))
}

fn upload(tag: &str) -> Vec<u8> {
    format!("{tag:>8}").repeat(200).into_bytes()
}

async fn upstream() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = hyper::server::conn::http1::Builder::new();
            let served = server.serve_connection(TokioIo::new(stream), service_fn(answer));
            // Half of what happens here is meant to fail.
            tokio::spawn(async { drop(served.await) });
        }
    });
    address
}

/// Choices that can be made again.
struct Choices(u64);

impl Choices {
    /// The generator is `SplitMix64`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// A client's connection, and the task that works for it.
struct Connection {
    requests: SendRequest<BoxBody<Bytes, BoxError>>,
    driver: JoinHandle<()>,
}

async fn connect(gate: &Gate) -> Connection {
    let stream = TcpStream::connect(gate.address)
        .await
        .expect("a connection");
    let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (requests, driver) = made.expect("a connection");
    let driver = tokio::spawn(async { drop(driver.await) });
    Connection { requests, driver }
}

/// A request of one user, whole or such that its upload breaks off.
fn request(
    choices: &mut Choices,
    token: &str,
    manner: &str,
    tag: &str,
) -> Request<BoxBody<Bytes, BoxError>> {
    let upload = Bytes::from(upload(tag));
    let mut pieces: Vec<Result<Bytes, BoxError>> = Vec::new();
    let method = match choices.below(4) {
        0 | 1 => "GET",
        2 => {
            pieces.extend([Ok(upload.slice(..800)), Ok(upload.slice(800..))]);
            "POST"
        }
        _ => {
            pieces.extend([Ok(upload.slice(..8)), Err("aborted".into())]);
            "PUT"
        }
    };
    let body = match pieces.is_empty() {
        true => Full::default()
            .map_err(|never: Infallible| match never {})
            .boxed(),
        false => {
            let pieces = pieces.into_iter().map(|piece| piece.map(Frame::data));
            BodyExt::boxed(StreamBody::new(stream::iter(pieces)))
        }
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("/{manner}/{tag}"));
    let request = request.header("host", "tools");
    let request = request.header("authorization", format!("Bearer {token}"));
    request.body(body).expect("a request")
}

/// Whether an exchange came to its end, and the connection may be used again.
async fn exchange(
    connection: &mut Connection,
    choices: &mut Choices,
    (user, token): &(&str, String),
    tag: &str,
) -> bool {
    let manner = MANNERS[choices.below(MANNERS.len())];
    let request = request(choices, token, manner, tag);
    // What the gate may send again, to an upstream that answers it.
    let is_safe = request.method() == "GET" && ["whole", "early", "pieces"].contains(&manner);
    let is_impatient = choices.below(10) == 0;
    let sent = connection.requests.send_request(request);
    if is_impatient {
        // Gone at any time between now and the end of the answer.
        let polls = choices.below(4);
        let mut sent = std::pin::pin!(sent);
        for _ in 0..polls {
            if sent.as_mut().now_or_never().is_some() {
                return false;
            }
            tokio::task::yield_now().await;
        }
        return false;
    }
    // hyper may never tell of a request that the task of its connection did not take any more.
    let sent = tokio::select! {
        biased;
        sent = sent => sent.ok(),
        _ = &mut connection.driver => None,
    };
    let Some(response) = sent else {
        return false;
    };
    let status = response.status();
    let is_known = status == 200 || (status == 502 && !is_safe);
    assert!(is_known, "{status} {tag} {manner}");
    let meant = meant_for(user, tag);
    let mut body = response.into_body();
    let mut received = Vec::new();
    let is_whole = loop {
        match body.frame().await {
            Some(Ok(frame)) => received.extend(frame.into_data().expect("data")),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    if status == 200 {
        let is_meant = meant.as_bytes().starts_with(&received);
        assert!(
            is_meant,
            "{user} {tag} got {}",
            String::from_utf8_lossy(&received)
        );
        assert!(!is_whole || received.len() == meant.len(), "{tag} was cut");
    }
    is_whole && connection.requests.ready().await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_what_is_meant_for_somebody_else() {
    let exchanges = std::env::var("GATEKEEPER_EXCHANGES");
    let exchanges: usize = exchanges.map_or(10_000, |count| count.parse().expect("a number"));
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed:#x}");
    let gate = Arc::new(Gate::start(&route("/", upstream().await, "")).await);
    let users = USERS.map(|user| {
        let token = gate.ghes.mint("Iv1.8a61f9b3a7aba766", user, &[], None);
        (user, token.expect("a user"))
    });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (gate, users) = (Arc::clone(&gate), users.clone());
        clients.spawn(async move {
            let mut choices = Choices(seed.wrapping_add(client as u64));
            let mut connection = connect(&gate).await;
            let mut finished = 0;
            for number in 0..exchanges / CLIENTS {
                let user = &users[choices.below(users.len())];
                let tag = format!("{client}-{number}");
                let exchange = exchange(&mut connection, &mut choices, user, &tag);
                let exchange = timeout(PATIENCE, exchange).await;
                if exchange.unwrap_or_else(|_| panic!("{tag} hangs")) {
                    finished += 1;
                } else {
                    connection = connect(&gate).await;
                }
            }
            finished
        });
    }
    let finished: usize = clients.join_all().await.into_iter().sum();
    println!("{exchanges} exchanges, {finished} finished");
    assert!(
        finished > exchanges / 4,
        "too little came to its end to show anything"
    );
}

const CLIENTS: usize = 32;

/// What takes as long has been forgotten; the gate itself would give up after a minute.
const PATIENCE: Duration = Duration::from_secs(30);
