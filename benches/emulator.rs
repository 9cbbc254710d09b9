//! How many check-token calls one thread of the emulator answers.
//!
//! On a virtual machine with two cores of an AMD EPYC, Rust 1.95:
//!
//! | case | time of a call | calls a second |
//! |---|---|---|
//! | in process, good token | 6.5 µs | 153,000 |
//! | in process, unknown token | 3.2 µs | 310,000 |
//! | over hyper in memory | 11.5 µs | 87,000 |
//! | over hyper and a loopback socket | 25.9 µs | 38,600 |
//!
//! The client runs on the same thread and counts as well, so a load test that asks for 20,000 calls
//! a second needs one core for both.
//!
//! Repeat with `cargo bench --no-default-features --features emulator --bench emulator`.
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const KNOWN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const UNKNOWN: &str = "gho_unknown";

fn request(token: &str) -> Request<Full<Bytes>> {
    let credential = "Basic SXYxLjhhNjFmOWIzYTdhYmE3NjY6M2VmNGFkNTEwYzU5YWQzN2JhYzZiYjRmODAwNDdmYjNhZWUzY2M3Zg==";
    Request::post("/api/v3/applications/Iv1.8a61f9b3a7aba766/token")
        .header("host", "ghes.test")
        .header("user-agent", "bench")
        .header("accept", "application/vnd.github+json")
        .header("authorization", credential)
        .header("content-type", "application/json")
        .body(Full::from(format!(r#"{{"access_token":"{token}"}}"#)))
        .expect("the parts are valid")
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the machine has a file descriptor left")
}

/// A server that knows as many tokens as a load test may use.
fn busy() -> Emulator {
    let ghes = Emulator::default();
    for _ in 0..10_000 {
        ghes.mint("abcde12345fghij67890", "octocat", &["repo"], None)
            .expect("the app and user of GitHub's documents");
    }
    ghes
}

fn in_process(criterion: &mut Criterion) {
    let runtime = runtime();
    let ghes = busy();
    let mut group = criterion.benchmark_group("check-token");
    group.throughput(Throughput::Elements(1));
    for (name, token, status) in [
        ("in process, good token", KNOWN, StatusCode::OK),
        ("in process, unknown token", UNKNOWN, StatusCode::NOT_FOUND),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let answer = runtime.block_on(ghes.clone().oneshot(request(token)));
                let answer = answer.expect("no fault is set");
                assert_eq!(answer.status(), status);
                black_box(answer)
            });
        });
    }
    group.finish();
}

/// Opens a kept-alive connection whose server runs on the same thread.
async fn connect<Io>(ghes: Emulator, near: Io, far: Io) -> client::SendRequest<Full<Bytes>>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(ghes);
    let serving = server::Builder::new().serve_connection(TokioIo::new(far), service);
    tokio::spawn(serving);
    let (sender, connection) = client::handshake(TokioIo::new(near))
        .await
        .expect("both ends are in this process");
    tokio::spawn(connection);
    sender
}

/// Returns both ends of a connection over the loopback interface.
async fn socket() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    let (far, _) = listener.accept().await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

async fn exchange(sender: &mut client::SendRequest<Full<Bytes>>) -> Bytes {
    sender.ready().await.expect("the connection stays open");
    let answer = sender.send_request(request(KNOWN)).await;
    let answer = answer.expect("no fault is set");
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.into_body().collect().await;
    body.expect("the server sends the whole body").to_bytes()
}

/// One call after the other, and so the client's work counts as well as the server's.
fn over_hyper(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("check-token");
    group.throughput(Throughput::Elements(1));
    let (near, far) = tokio::io::duplex(64 * 1024);
    let mut sender = runtime.block_on(connect(busy(), near, far));
    group.bench_function("over hyper in memory", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(exchange(&mut sender))));
    });
    let (near, far) = runtime.block_on(socket()).expect("loopback is there");
    let mut sender = runtime.block_on(connect(busy(), near, far));
    group.bench_function("over hyper and a loopback socket", |bencher| {
        bencher.iter(|| black_box(runtime.block_on(exchange(&mut sender))));
    });
    group.finish();
}

criterion_group!(benches, in_process, over_hyper);
criterion_main!(benches);
