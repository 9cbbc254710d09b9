//! `HAProxy` with health checks in front of two gates.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tower::BoxError;

use super::super::load::{Load, is_installed};
use super::super::running::Running;
use super::{Gate, PATIENCE, TOKEN, emulator, free, get};

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

/// Clients of which some keep their connections, and some make one for each request.
fn load(address: SocketAddr) -> Load {
    let mut load = Load::default();
    for kept in [0, 0, 1, 1] {
        let mut client = Client::builder(TokioExecutor::new());
        let client = client.pool_max_idle_per_host(kept).build_http();
        load.repeat(move || status(client.clone(), address));
    }
    load
}

/// The status of an answer that has come whole.
async fn status(
    client: Client<HttpConnector, Empty<Bytes>>,
    address: SocketAddr,
) -> Result<u16, BoxError> {
    let request = Request::get(format!("http://{address}/"));
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    let response = client.request(request.body(Empty::new())?).await?;
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    Ok(status)
}

impl Gate {
    /// Starts it at the addresses that it had.
    async fn start_again(&mut self) {
        let toml = std::fs::read_to_string(&self.file).expect("the file");
        let (host, _) = self.address.rsplit_once(':').expect("a port");
        let any = format!("{host}:0");
        let addresses = [&self.address, &self.admin, &self.probes].into_iter();
        let toml = addresses.fold(toml, |toml, address| toml.replacen(&any, address, 1));
        std::fs::write(&self.file, toml).expect("the file");
        let path = self.file.to_str().expect("UTF-8");
        self.process = Running::start(&["serve", "--config", path]);
        assert_eq!(self.process.address("gate").await, self.address);
    }
}

/// Each has a host of its own: on 127.0.0.1, a client could get the port of a gate that is away.
#[tokio::test]
async fn haproxy_sees_gates_restart_one_by_one_and_no_request_fails() {
    if !is_installed("haproxy", "-v").await {
        return;
    }
    let (_emulator, ghes) = emulator().await;
    let delay = "shutdown_delay = \"2s\"";
    let mut one = Gate::start_at("127.0.0.2", "one", &ghes, &ghes, delay).await;
    let mut two = Gate::start_at("127.0.0.3", "two", &ghes, &ghes, delay).await;
    for gate in [&one, &two] {
        gate.says(200, "\"ready\":true").await;
    }
    let balancer = Balancer::before(&[("one", &one), ("two", &two)]).await;
    let load = load(balancer.address);
    load.answers(100).await;
    for (name, gate) in [("one", &mut one), ("two", &mut two)] {
        gate.process.signal("-TERM").await;
        balancer.sees(name, "DOWN").await;
        // It was seen while the gate still accepts.
        assert_eq!(get(&gate.address, "/").await.expect("a client").0, 406);
        gate.ended().await;
        load.answers(100).await;
        gate.start_again().await;
        balancer.sees(name, "UP").await;
        load.answers(100).await;
    }
    load.end().await;
}
