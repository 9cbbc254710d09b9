//! Any bytes to a proxy: no upstream gets a request without a token, nor one that could be read in
//! two ways, nor an identity that the gate did not write.
//!
//! It goes through the public API and a socket on each side, because what counts is what hyper makes
//! of the bytes and what is on the wire in the end. Inputs of the corpus hold the token, so that
//! mutations get past the gate:
//!
//! ```sh
//! cargo +nightly fuzz run request_gate -- -max_total_time=60
//! ```
#![no_main]

#[allow(dead_code, reason = "the proxy's tests use the rest")]
#[path = "../../tests/proxy/wire.rs"]
mod wire;

use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::proxy::config::Config;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tower::util::BoxCloneSyncService;

/// From GitHub's documents.
const TOKEN: &[u8] = b"e72e16c7e42f292c6912e7710c838347ae178b4a";
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const CLIENT_SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// Ends most inputs: what is still a head becomes one, and the connection closes after it.
const END: &[u8] = b"\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// For those that it does not end, which wait for more of a body.
const PATIENCE: Duration = Duration::from_millis(20);

fuzz_target!(|input: &[u8]| {
    let mut harness = HARNESS.lock().expect("no panic before");
    for message in harness.messages_of(input) {
        let message = message.expect("a well-formed request");
        wire::assert_clean(&message, &harness.upstream.to_string());
        assert_eq!(message.only("x-forwarded-user"), "octocat");
        assert!(input.windows(TOKEN.len()).any(|part| part == TOKEN));
    }
});

static HARNESS: LazyLock<Mutex<Harness>> = LazyLock::new(|| Mutex::new(Harness::start()));

type Recorded = Result<wire::Message, String>;

struct Harness {
    runtime: Runtime,
    gate: SocketAddr,
    upstream: SocketAddr,
    recorded: mpsc::UnboundedReceiver<Recorded>,
}

impl Harness {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (sender, recorded) = mpsc::unbounded_channel();
        let (gate, upstream) = runtime.block_on(async {
            let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let upstream_address = upstream.local_addr().expect("an address");
            tokio::spawn(record_all(upstream, sender));
            let gate = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let gate_address = gate.local_addr().expect("an address");
            tokio::spawn(proxy(upstream_address).serve(gate, std::future::pending()));
            (gate_address, upstream_address)
        });
        Self { runtime, gate, upstream, recorded }
    }

    /// Every whole request that the upstream has got by the time the gate has closed.
    fn messages_of(&mut self, input: &[u8]) -> Vec<Recorded> {
        self.runtime.block_on(async {
            let mut client = TcpStream::connect(self.gate).await.expect("a connection");
            // A gate that refuses need not read to the end.
            let _ = client.write_all(&[input, END].concat()).await;
            let mut answer = Vec::new();
            if tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await.is_err() {
                let _ = client.shutdown().await;
                let _ = client.read_to_end(&mut answer).await;
            }
        });
        std::iter::from_fn(|| self.recorded.try_recv().ok()).collect()
    }
}

fn proxy(upstream: SocketAddr) -> Proxy {
    let toml = format!(
        "ghes = {{ url = 'http://127.0.0.1:1', \
         apps = [{{ client_id = '{CLIENT_ID}', client_secret = '{CLIENT_SECRET}' }}] }}\n\
         routes = [{{ path = '/', upstream = 'http://{upstream}' }}]\n\
         server.limits = {{ unknown_tokens_per_second = 4294967295 }}"
    );
    let config = Config::parse(&toml, []).expect("a configuration");
    let url = "http://ghes.test".parse().expect("a URL");
    let app = App::new(CLIENT_ID, CLIENT_SECRET);
    let client = GhesClient::new(&url, &app, Emulator::default()).expect("an app");
    Proxy::with_check(&config, BoxCloneSyncService::new(client))
}

async fn record_all(listener: TcpListener, sender: mpsc::UnboundedSender<Recorded>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(record(stream, sender.clone()));
    }
}

async fn record(mut stream: TcpStream, sender: mpsc::UnboundedSender<Recorded>) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        loop {
            match wire::read(&bytes) {
                Ok(None) => break,
                Ok(Some((message, length))) => {
                    bytes.drain(..length);
                    let _ = sender.send(Ok(message));
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
                    let _ = stream.write_all(answer).await;
                }
                Err(why) => {
                    let _ = sender.send(Err(why));
                    return;
                }
            }
        }
    }
}
