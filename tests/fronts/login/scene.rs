//! A front with its file, the gate that it asks, and a GHES where people approve.

use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::proxy::{Proxy, serve};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::browser::Browser;
use super::{CLIENT_ID, TOOL, exchange};
use crate::fronts::{Addresses, Front, Server, free};
use crate::tool::Tool;

pub(super) const FOLDER: &str = "examples/fronts/login";

pub(super) struct Scene {
    pub(super) emulator: Emulator,
    pub(super) tool: Tool,
    front: SocketAddr,
    ghes: SocketAddr,
    admin: SocketAddr,
    key: PathBuf,
    _server: Server,
}

impl Scene {
    /// Starts all with the files of [`FOLDER`]; none if the front is not installed.
    pub(super) async fn start(front: Front) -> Option<Self> {
        let (ghes, emulator) = served_emulator().await;
        let mut tool = Tool::start().await;
        let listener = TcpListener::bind(free().await).await.expect("a port");
        let gate = listener.local_addr().expect("an address");
        let key = env::temp_dir().join(format!("ghes-gatekeeper-front-key-{}", gate.port()));
        fs::write(&key, "0123456789abcdef0123456789abcdef\n").expect("a file");
        let config = Config::parse(&configuration(ghes, &key), []).expect("a configuration");
        assert_eq!(config.warnings(), [""; 0]);
        let proxy = Proxy::new(&config).expect("a proxy");
        tokio::spawn(proxy.decisions().serve(listener, pending()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let admin = listener.local_addr().expect("an address");
        tokio::spawn(proxy.admin().serve(listener, pending()));
        let addresses = Addresses {
            front: free().await,
            gate,
            tool: tool.address,
        };
        let server = front.start_on(FOLDER, addresses).await?;
        tool.forget();
        Some(Self {
            emulator,
            tool,
            front: addresses.front,
            ghes,
            admin,
            key,
            _server: server,
        })
    }

    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.front, self.ghes)
    }

    /// A browser of octocat, logged in at the tool.
    pub(super) async fn logged_in(&mut self) -> Browser {
        let mut browser = self.browser();
        let (answer, _) = browser.visit(&format!("{TOOL}/"), "octocat").await;
        assert_eq!(answer.status(), 200, "{}", answer.0);
        self.tool.forget();
        browser
    }

    /// Has octocat take back at GHES what the app was granted: all of its tokens end.
    pub(super) async fn revoke(&self) {
        let token = self.emulator.mint(CLIENT_ID, "octocat", &[], None);
        let body = format!("{{\"access_token\":\"{}\"}}", token.expect("a user"));
        let request = format!(
            "DELETE /api/v3/applications/{CLIENT_ID}/grant HTTP/1.1\r\nHost: {}\r\n\
             Authorization: Basic {BASIC}\r\nContent-Length: {}\r\n\r\n{body}",
            self.ghes,
            body.len()
        );
        let answer = exchange(self.ghes, &request).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }

    /// Has the gate forget what it knows.
    pub(super) async fn purge(&self) {
        let request = "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                       Content-Length: 12\r\n\r\n{\"all\":true}";
        let answer = exchange(self.admin, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.key);
    }
}

/// The gate's file, with a GHES, a key and a secret that are there.
fn configuration(ghes: SocketAddr, key: &Path) -> String {
    let mut toml = include_str!("../../../examples/fronts/login/gatekeeper.toml").to_owned();
    for (there, here) in [
        (
            "url = \"https://ghes.example.com\"",
            format!("url = \"http://{ghes}\"\nallow_insecure_http = true"),
        ),
        ("/run/secrets/session-key", key.display().to_string()),
        (
            "client_secret_file = \"/run/secrets/ghes-client-secret\"",
            format!("client_secret = \"{SECRET}\""),
        ),
    ] {
        assert!(toml.contains(there), "{there}");
        toml = toml.replace(there, &here);
    }
    toml
}

async fn served_emulator() -> (SocketAddr, Emulator) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let emulator = Emulator::default();
    let service = TowerToHyperService::new(emulator.clone());
    tokio::spawn(serve(listener, move |_| service.clone(), pending()));
    (address, emulator)
}

const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";
/// `CLIENT_ID:SECRET`.
const BASIC: &str =
    "YWJjZGUxMjM0NWZnaGlqNjc4OTA6M2VmNGFkNTEwYzU5YWQzN2JhYzZiYjRmODAwNDdmYjNhZWUzY2M3Zg==";
