//! A proxy between a socket on each side: what counts is what hyper makes of the bytes, and what is
//! on the wire in the end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::proxy::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tower::util::BoxCloneSyncService;

use super::wire;

/// From GitHub's documents.
pub(crate) const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const CLIENT_SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// For inputs that end neither their request nor the connection.
const PATIENCE: Duration = Duration::from_millis(20);

type Recorded = Result<wire::Message, String>;

pub(crate) struct Harness {
    runtime: Runtime,
    gate: SocketAddr,
    recorded: mpsc::UnboundedReceiver<Recorded>,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Harness {
    /// Starts a proxy with more lines of configuration, and routes of which each `(path, more)`
    /// leads to the same upstream.
    pub(crate) fn start(more: &str, routes: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let (sender, recorded) = mpsc::unbounded_channel();
        let answer = Arc::new(Mutex::new(HELLO.to_vec()));
        let gate = runtime.block_on(async {
            let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let upstream_address = upstream.local_addr().expect("an address");
            tokio::spawn(record_all(upstream, sender, Arc::clone(&answer)));
            let gate = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let gate_address = gate.local_addr().expect("an address");
            let proxy = proxy(upstream_address, more, routes);
            tokio::spawn(proxy.serve(gate, std::future::pending()));
            gate_address
        });
        Self {
            runtime,
            gate,
            recorded,
            answer,
        }
    }

    /// Has the upstream answer so from now on.
    pub(crate) fn answer(&self, answer: Vec<u8>) {
        *self.answer.lock().expect("no panic before") = answer;
    }

    /// Sends this on a connection of its own; returns all that came back, and every whole request
    /// that the upstream has got by then.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<wire::Message>) {
        let mut answer = Vec::new();
        self.runtime.block_on(async {
            let mut client = TcpStream::connect(self.gate).await.expect("a connection");
            // A gate that refuses need not read to the end.
            let _ = client.write_all(bytes).await;
            if tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer))
                .await
                .is_err()
            {
                let _ = client.shutdown().await;
                let _ = client.read_to_end(&mut answer).await;
            }
        });
        let recorded = std::iter::from_fn(|| self.recorded.try_recv().ok());
        let messages = recorded.map(|message| {
            let message = message.expect("a well-formed request");
            wire::assert_clean(&message);
            message
        });
        (answer, messages.collect())
    }
}

fn proxy(upstream: SocketAddr, more: &str, routes: &[(&str, &str)]) -> Proxy {
    let route = |(path, more): &(&str, &str)| {
        format!("[[routes]]\npath = '{path}'\nupstream = 'http://{upstream}'\n{more}\n")
    };
    let toml = format!(
        "ghes = {{ url = 'http://127.0.0.1:1', \
         apps = [{{ client_id = '{CLIENT_ID}', client_secret = '{CLIENT_SECRET}' }}] }}\n\
         server.limits = {{ unknown_tokens_per_second = 100000 }}\n\
         {more}\n{}",
        routes.iter().map(route).collect::<String>()
    );
    let config = Config::parse(&toml, []).expect("a configuration");
    let url = "http://ghes.test".parse().expect("a URL");
    let app = App::new(CLIENT_ID, CLIENT_SECRET);
    let client = GhesClient::new(&url, &app, Emulator::default()).expect("an app");
    Proxy::with_check(&config, BoxCloneSyncService::new(client))
}

async fn record_all(
    listener: TcpListener,
    sender: mpsc::UnboundedSender<Recorded>,
    answer: Arc<Mutex<Vec<u8>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(record(stream, sender.clone(), Arc::clone(&answer)));
    }
}

async fn record(
    mut stream: TcpStream,
    sender: mpsc::UnboundedSender<Recorded>,
    answer: Arc<Mutex<Vec<u8>>>,
) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        loop {
            match wire::read(&bytes) {
                Ok(None) => break,
                Ok(Some((message, length))) => {
                    bytes.drain(..length);
                    let _ = sender.send(Ok(message));
                    let answer = answer.lock().expect("no panic before").clone();
                    let _ = stream.write_all(&answer).await;
                }
                Err(why) => {
                    let _ = sender.send(Err(why));
                    return;
                }
            }
        }
    }
}
