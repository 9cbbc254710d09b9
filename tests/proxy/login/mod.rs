//! Browsers log in: through the gate's hosts to an emulated GHES over a socket, and back.
//!
//! Each mistake that others made is a test here, or beside the code in `src/session`.

mod browser;
mod chromium;
mod doors;
mod journeys;
mod mistakes;
mod nginx;

use std::net::SocketAddr;
use std::path::PathBuf;

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::proxy::{Listener, Proxy, Tls, serve};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use self::browser::Browser;
use crate::support::{Client, Upstream, status};

const LOGIN: &str = "https://login.example.com";
const TOOL: &str = "https://tool.example.com";
const OTHER: &str = "https://other.example.com";
const CLIENT_ID: &str = "abcde12345fghij67890";

/// A gate with a login host and two tools, one of them for an organization.
struct Scene {
    gate: SocketAddr,
    ghes: SocketAddr,
    emulator: Emulator,
    proxy: Proxy,
    tool: Upstream,
    key: PathBuf,
}

impl Scene {
    async fn start() -> Self {
        Self::with("").await
    }

    /// Starts it with further keys of the tool's route.
    async fn with(more: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, None, LOGIN, more).await
    }

    /// The same for browsers, which find all hosts at one port.
    async fn over_tls(tls: Tls, more: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        Self::on(listener, Some(tls), &format!("{LOGIN}:{port}"), more).await
    }

    async fn on(listener: TcpListener, tls: Option<Tls>, login: &str, more: &str) -> Self {
        let (ghes, emulator) = served_emulator().await;
        let tool = Upstream::start().await;
        let key = key_file();
        let toml = format!(
            r#"
            [server]
            trusted_proxies = ["127.0.0.1"]
            [decisions]
            listen = "127.0.0.1:0"
            oauth2_auth = "oauth2-proxy"
            [ghes]
            url = "http://{ghes}"
            allow_insecure_http = true
            [[ghes.apps]]
            client_id = "{CLIENT_ID}"
            client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
            [session]
            login_url = "{login}"
            key_files = ["{key}"]
            scopes = ["read:org"]
            [[routes]]
            path = "/"
            hosts = ["tool.example.com"]
            upstream = "http://{tool}"
            login = true
            {more}
            [[routes]]
            path = "/"
            hosts = ["other.example.com"]
            upstream = "http://{tool}"
            login = true
            orgs = ["octo-org"]
            [[routes]]
            path = "/api"
            hosts = ["tool.example.com"]
            upstream = "http://{tool}"
            [[routes]]
            path = "/open"
            hosts = ["tool.example.com"]
            upstream = "http://{tool}"
            anonymous = true
            "#,
            key = key.display(),
            tool = tool.address,
        );
        let config = Config::parse(&toml, []).expect("a configuration");
        let proxy = Proxy::new(&config).expect("a proxy");
        let gate = listener.local_addr().expect("an address");
        let listener = match tls {
            Some(tls) => Listener::from(listener).with_tls(tls),
            None => listener.into(),
        };
        tokio::spawn(proxy.clone().serve(listener, std::future::pending()));
        Self {
            gate,
            ghes,
            emulator,
            proxy,
            tool,
            key,
        }
    }

    fn browser(&self) -> Browser {
        Browser::new(self.gate, self.ghes)
    }

    /// A browser of octocat, logged in at the tool.
    async fn logged_in(&mut self) -> Browser {
        let mut browser = self.browser();
        let (answer, _) = browser.visit(&format!("{TOOL}/"), "octocat").await;
        assert_eq!(answer.status(), 200, "{}", answer.0);
        self.tool.request().await;
        browser
    }

    /// Connects to the listener for those who ask.
    async fn decisions(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let decisions = self.proxy.decisions();
        tokio::spawn(decisions.serve(listener, std::future::pending()));
        Client::to(address).await
    }

    /// Has the gate forget what it knows.
    async fn purge(&self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(self.proxy.admin().serve(listener, std::future::pending()));
        let purge = "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                     Content-Length: 12\r\n\r\n{\"all\":true}";
        let answer = Client::to(address).await.exchange(purge).await;
        assert_eq!(status(&answer), 200, "{answer}");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.key);
    }
}

/// Sends a request on a connection of its own.
async fn exchange(to: SocketAddr, request: &str) -> String {
    Client::to(to).await.exchange(request).await
}

async fn served_emulator() -> (SocketAddr, Emulator) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let emulator = Emulator::default();
    let service = TowerToHyperService::new(emulator.clone());
    tokio::spawn(serve(
        listener,
        move |_| service.clone(),
        std::future::pending(),
    ));
    (address, emulator)
}

fn key_file() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("ghes-gatekeeper-session-{}-{id}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, "0123456789abcdef0123456789abcdef\n").expect("a file");
    path
}
