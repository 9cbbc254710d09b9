//! How `serve` becomes ready and stops, as balancers see it.

mod balancer;

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::load::PATIENCE;
use super::running::Running;

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

/// A gate with a listener for operators and one for probes.
struct Gate {
    process: Running,
    address: String,
    admin: String,
    probes: String,
    file: PathBuf,
}

impl Gate {
    async fn start(name: &str, ghes: &str, upstream: &str, server: &str) -> Self {
        Self::start_at("127.0.0.1", name, ghes, upstream, server).await
    }

    /// At free ports of this host.
    async fn start_at(host: &str, name: &str, ghes: &str, upstream: &str, server: &str) -> Self {
        let toml = format!(
            "[server]\nlisten = \"{host}:0\"\nadmin_listen = \"{host}:0\"\n\
             probe_listen = \"{host}:0\"\n{server}\n[ghes]\nurl = \"http://{ghes}\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://{upstream}\"\n"
        );
        let file = format!(
            "ghes-gatekeeper-stopping-{name}-{}.toml",
            std::process::id()
        );
        let file = std::env::temp_dir().join(file);
        std::fs::write(&file, toml).expect("a file");
        let path = file.to_str().expect("UTF-8");
        let mut process = Running::start(&["serve", "--config", path]);
        Self {
            address: process.address("gate").await,
            admin: process.address("admin").await,
            probes: process.address("probes").await,
            process,
            file,
        }
    }

    /// Waits until the probes say this.
    async fn says(&self, status: u16, word: &str) {
        let told = async {
            loop {
                match get(&self.probes, "/readyz").await {
                    Ok((told, text)) if told == status && text.contains(word) => break,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let told = timeout(PATIENCE, told).await;
        assert!(told.is_ok(), "{status} {word}");
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// The status of a GET with a good token, and the rest of the answer.
async fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok((status, answer))
}

async fn emulator() -> (Running, String) {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let address = emulator.address("emulator").await;
    (emulator, address)
}

async fn free() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    free.local_addr().expect("an address")
}

/// Nobody but the gate itself asks GHES here.
#[tokio::test]
async fn a_gate_that_nobody_asks_is_ready_as_soon_as_ghes_answers() {
    let ghes = free().await.to_string();
    let gate = Gate::start("asked", &ghes, &ghes, "").await;
    gate.says(503, "\"ghes_not_answered\"").await;
    let mut emulator = Running::start(&["emulator", "--listen", &ghes]);
    emulator.address("emulator").await;
    gate.says(200, "\"ready\":true").await;
    // From then on as before: an outage leaves it ready.
    assert_eq!(emulator.stop("-INT").await, Some(0));
    assert_eq!(get(&gate.address, "/").await.expect("an answer").0, 503);
    gate.says(200, "\"ready\":true").await;
}

/// What the documentation says that can be seen, can be seen.
#[tokio::test]
async fn while_a_gate_stops_it_says_so_and_serves() {
    let (_emulator, ghes) = emulator().await;
    let mut gate = Gate::start("delay", &ghes, &ghes, "shutdown_delay = \"2s\"").await;
    gate.says(200, "\"ready\":true").await;
    gate.process.signal("-TERM").await;
    gate.says(503, "\"not_accepting\"").await;
    let (status, text) = get(&gate.admin, "/readyz")
        .await
        .expect("the admin listener");
    assert!(
        status == 503 && text.contains("\"not_accepting\""),
        "{text}"
    );
    // The emulator answers 406 outside its API.
    assert_eq!(get(&gate.address, "/").await.expect("a new client").0, 406);
    let address = gate.address.clone();
    gate.ended().await;
    assert!(TcpStream::connect(&address).await.is_err());
}

/// Probes are answered as long as requests are under way, and the second order waits for none.
#[tokio::test]
async fn probes_outlast_the_drain_and_a_second_signal_ends_it() {
    let (_emulator, ghes) = emulator().await;
    let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = upstream.local_addr().expect("an address").to_string();
    for (name, signal, server) in [
        ("twice", "-TERM", "timeouts.drain = \"1h\""),
        ("interrupt", "-INT", "timeouts.drain = \"1h\""),
        ("waiting", "-TERM", "shutdown_delay = \"10m\""),
    ] {
        let mut gate = Gate::start(name, &ghes, &address, server).await;
        gate.says(200, "\"ready\":true").await;
        let busy = tokio::spawn({
            let address = gate.address.clone();
            async move { get(&address, "/").await.is_ok() }
        });
        let (_held, _) = upstream.accept().await.expect("a request");
        gate.process.signal(signal).await;
        gate.says(503, "\"not_accepting\"").await;
        if name != "waiting" {
            // The gate has closed, and both listeners go on.
            let closed = async {
                while TcpStream::connect(&gate.address).await.is_ok() {
                    tokio::task::yield_now().await;
                }
            };
            timeout(PATIENCE, closed).await.expect("a closed gate");
        }
        for listener in [&gate.admin, &gate.probes] {
            let (status, text) = get(listener, "/readyz").await.expect("an answer");
            assert!(
                status == 503 && text.contains("\"not_accepting\""),
                "{text}"
            );
            assert_eq!(get(listener, "/metrics").await.expect("metrics").0, 200);
        }
        assert!(!busy.is_finished());
        gate.process.signal(signal).await;
        gate.ended().await;
        assert!(!busy.await.expect("no panic"), "cut off");
    }
}

impl Gate {
    /// Waits for the end of a gate that was told to stop.
    async fn ended(&mut self) {
        let code = timeout(PATIENCE, self.process.end()).await;
        assert_eq!(code.expect("an end"), Some(0));
    }
}
