//! How `serve` becomes ready and stops, as balancers see it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::running::Running;

const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

/// Ends a test that would otherwise wait for ever for what does not come.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             probe_listen = \"127.0.0.1:0\"\n{server}\n[ghes]\nurl = \"http://{ghes}\"\n\
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
    let gate = Gate::start("delay", &ghes, &ghes, "shutdown_delay = \"2s\"").await;
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
        let gate = Gate::start(name, &ghes, &address, server).await;
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
    async fn ended(mut self) {
        let code = timeout(PATIENCE, self.process.end()).await;
        assert_eq!(code.expect("an end"), Some(0));
    }
}

/// A running `HAProxy`.
struct Balancer {
    address: SocketAddr,
    statistics: SocketAddr,
    file: PathBuf,
    _process: Child,
}

impl Balancer {
    /// Without retries, so that each request that meets a gate that is gone has failed.
    async fn before(gates: &[(&str, &Gate)]) -> Self {
        let (address, statistics) = (free().await, free().await);
        let mut text = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  \
             timeout server 30s\n  timeout check 30s\n  retries 0\n\
             frontend statistics\n  bind {statistics}\n  stats enable\n  stats uri /\n\
             frontend clients\n  bind {address}\n  default_backend gates\n\
             backend gates\n  option httpchk GET /readyz\n  \
             default-server inter 50ms fall 1 rise 1\n"
        );
        for (name, gate) in gates {
            let port = gate.probes.rsplit_once(':').expect("a port").1;
            let address = &gate.address;
            text += &format!("  server {name} {address} check port {port}\n");
        }
        let file = format!("ghes-gatekeeper-haproxy-{}.cfg", address.port());
        let file = std::env::temp_dir().join(file);
        std::fs::write(&file, text).expect("a file");
        let process = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("haproxy");
        let balancer = Self {
            address,
            statistics,
            file,
            _process: process,
        };
        for (name, _) in gates {
            balancer.sees(name, "UP").await;
        }
        balancer
    }

    /// Waits until it has checked a gate and found it so.
    async fn sees(&self, gate: &str, state: &str) {
        let seen = async {
            while !self.state(gate).await.starts_with(state) {
                tokio::task::yield_now().await;
            }
        };
        let seen = timeout(PATIENCE, seen).await;
        assert!(seen.is_ok(), "{gate} is not {state}");
    }

    /// The columns `status` and `check_status` of the statistics (`HAProxy`'s manual, §9.1).
    async fn state(&self, gate: &str) -> String {
        let Ok((_, csv)) = get(&self.statistics.to_string(), "/;csv").await else {
            return String::new();
        };
        let lines = csv.lines().map(|line| line.split(',').collect());
        let mut lines = lines.filter(|cells: &Vec<&str>| cells.len() > 36);
        let line = lines.find(|cells| cells[1] == gate && cells[36].starts_with("L7"));
        line.map_or_else(String::new, |cells| cells[17].to_owned())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Sends one request after the other until there is an end, and returns those that failed.
async fn load(address: String, sent: Arc<AtomicUsize>, end: Arc<AtomicBool>) -> Vec<String> {
    let mut failed = Vec::new();
    while !end.load(Ordering::Relaxed) {
        match get(&address, "/").await {
            Ok((406, _)) => {}
            other => failed.push(format!("{other:?}")),
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
    failed
}

#[tokio::test]
async fn haproxy_sees_a_gate_go_away_and_no_request_fails() {
    if !has_haproxy().await {
        return;
    }
    let (_emulator, ghes) = emulator().await;
    let delay = "shutdown_delay = \"3s\"";
    let leaving = Gate::start("leaving", &ghes, &ghes, delay).await;
    let staying = Gate::start("staying", &ghes, &ghes, delay).await;
    for gate in [&leaving, &staying] {
        gate.says(200, "\"ready\":true").await;
    }
    let balancer = Balancer::before(&[("leaving", &leaving), ("staying", &staying)]).await;
    let (sent, end) = (Arc::default(), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let address = balancer.address.to_string();
            tokio::spawn(load(address, Arc::clone(&sent), Arc::clone(&end)))
        })
        .collect();
    let more = async |count: usize| {
        let until = sent.load(Ordering::Relaxed) + count;
        while sent.load(Ordering::Relaxed) < until {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, more(100)).await.expect("requests");
    leaving.process.signal("-TERM").await;
    balancer.sees("leaving", "DOWN").await;
    // It was seen while the gate still accepts.
    assert_eq!(get(&leaving.address, "/").await.expect("a client").0, 406);
    leaving.ended().await;
    timeout(PATIENCE, more(100)).await.expect("requests");
    balancer.sees("staying", "UP").await;
    end.store(true, Ordering::Relaxed);
    for client in clients {
        let failed = client.await.expect("no panic");
        assert!(failed.is_empty(), "{failed:?}");
    }
}

/// Where `CI` is set, it has to be there.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
async fn has_haproxy() -> bool {
    let output = Command::new("haproxy").arg("-v").output().await;
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "CI has haproxy");
        eprintln!("skipped: haproxy is not installed");
    }
    is_there
}
