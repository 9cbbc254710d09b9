//! A front, the gate that it asks, the GHES that the gate asks, and the tool behind.

use std::future::pending;
use std::net::SocketAddr;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::proxy::Proxy;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::util::BoxCloneSyncService;

use crate::fronts::{Addresses, Front, Server, free};
use crate::message::{Message, exchange};
use crate::tool::Tool;
use crate::{CLIENT_ID, HOST};

pub(crate) struct Scene {
    pub(crate) front: Front,
    pub(crate) ghes: Emulator,
    pub(crate) tool: Tool,
    address: SocketAddr,
    admin: SocketAddr,
    gate: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    _server: Server,
}

impl Scene {
    /// Starts all with the routes of `examples/fronts`; none if the front is not installed.
    pub(crate) async fn start(front: Front) -> Option<Self> {
        Self::start_with(front, &example()).await
    }

    /// The same with another configuration of the gate, of which a route `/open` has to be open.
    pub(crate) async fn start_with(front: Front, toml: &str) -> Option<Self> {
        let mut tool = Tool::start().await;
        let (proxy, ghes) = match front.asks() {
            true => proxy(toml),
            false => proxy(&through(toml, tool.address)),
        };
        // A gate that ends leaves its port to nobody else's.
        let listener = TcpListener::bind(free().await).await.expect("a port");
        let entrance = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let server = match front.asks() {
            true => tokio::spawn(proxy.decisions().serve(listener, stopped)),
            false => tokio::spawn(proxy.clone().serve(listener, stopped)),
        };
        let gate = Some((stop, server));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let admin = listener.local_addr().expect("an address");
        tokio::spawn(proxy.admin().serve(listener, pending()));
        let addresses = Addresses {
            front: free().await,
            gate: entrance,
            tool: tool.address,
        };
        let server = front.start(addresses).await?;
        tool.forget();
        Some(Self {
            front,
            ghes,
            tool,
            address: addresses.front,
            admin,
            gate,
            _server: server,
        })
    }

    /// Sends these lines, each without its end, behind `Host`.
    pub(crate) async fn send(&self, line: &str, lines: &[&str]) -> Message {
        self.send_to(HOST, line, lines).await
    }

    pub(crate) async fn send_to(&self, host: &str, line: &str, lines: &[&str]) -> Message {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.send_raw(&format!("{line} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"))
            .await
    }

    pub(crate) async fn send_raw(&self, request: &str) -> Message {
        exchange(self.address, request).await
    }

    /// A new token of octocat, hubot or monalisa, as a field.
    pub(crate) fn bearer(&self, login: &str, scopes: &[&str]) -> (String, String) {
        let token = self.ghes.mint(CLIENT_ID, login, scopes, None);
        let token = token.expect("a known user");
        (format!("Authorization: Bearer {token}"), token)
    }

    /// Tells the gate to forget all about a user.
    pub(crate) async fn purge(&self, user_id: u64) {
        let body = format!("{{\"user_id\":{user_id}}}");
        let request = format!(
            "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(self.admin, &request).await;
        assert_eq!(answer.body, "{\"purged\":1}");
    }

    /// Ends the gate, and with it all of its connections.
    pub(crate) async fn stop_gate(&mut self) {
        let (stop, ended) = self.gate.take().expect("a gate");
        stop.send(()).expect("a running gate");
        ended.await.expect("no panic");
    }
}

/// The same routes for requests that go through the gate, with the names that askers are told.
fn through(toml: &str, tool: SocketAddr) -> String {
    let names = "identity_headers = \"x-auth-request\"\n";
    let mut parts = toml.split("[[routes]]\n");
    let mut through = parts.next().expect("a beginning").to_owned();
    for route in parts {
        let names = if route.contains("anonymous") {
            ""
        } else {
            names
        };
        through += &format!("[[routes]]\nupstream = \"http://{tool}\"\n{names}{route}");
    }
    through
}

/// The configuration of the gate that goes with the fronts.
pub(crate) fn example() -> String {
    include_str!("../../examples/fronts/gatekeeper.toml").to_owned()
}

fn proxy(toml: &str) -> (Proxy, Emulator) {
    let file = "client_secret_file = \"/run/secrets/ghes-client-secret\"";
    assert!(toml.contains(file), "{toml}");
    let config = Config::parse(
        &toml.replace(file, &format!("client_secret = \"{SECRET}\"")),
        [],
    );
    let config = config.expect("a configuration");
    let ghes = Emulator::default();
    let url = "http://ghes.test".parse().expect("a URL");
    let client = GhesClient::new(&url, &App::new(CLIENT_ID, SECRET), ghes.clone());
    let client = client.expect("an app");
    let check = BoxCloneSyncService::new(client.clone());
    let memberships = BoxCloneSyncService::new(client);
    let proxy = Proxy::with_check_and_memberships(&config, check, memberships);
    (proxy, ghes)
}

const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
