//! Several apps of several servers, all over sockets: whose tokens are good where, who is asked
//! about them, and what one server or app has to do with another.

mod failures;
mod operators;
mod rules;
mod tokens;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::proxy::{Proxy, serve};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::support::{Client, Upstream, status};

/// The apps of each emulated server; their secrets are the same.
const A: &str = "Iv1.8a61f9b3a7aba766";
const B: &str = "abcde12345fghij67890";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// A GHES that keeps whatever it is sent.
struct Ghes {
    emulator: Emulator,
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Ghes {
    /// Tokens of servers with other seeds are others.
    async fn start(seed: u64) -> Self {
        let emulator = Emulator::default().with_seed(seed);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (behind, seen) = (emulator.clone(), Arc::clone(&requests));
        let make_service = move |_| {
            let (emulator, seen) = (behind.clone(), Arc::clone(&seen));
            service_fn(move |request| answer(request, emulator.clone(), Arc::clone(&seen)))
        };
        tokio::spawn(serve(listener, make_service, std::future::pending()));
        Self {
            emulator,
            address,
            requests,
        }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }

    /// The apps that it was asked as about tokens, in order.
    fn asked(&self) -> Vec<String> {
        let app = |request: &String| {
            let (_, rest) = request.split_once("/applications/")?;
            Some(rest.split('/').next()?.to_owned())
        };
        self.requests().iter().filter_map(app).collect()
    }

    fn mint(&self, client_id: &str, login: &str, scopes: &[&str]) -> String {
        let token = self.emulator.mint(client_id, login, scopes, None);
        token.expect("a token")
    }
}

async fn answer(
    request: Request<Incoming>,
    emulator: Emulator,
    seen: Arc<Mutex<Vec<String>>>,
) -> Result<
    <Emulator as tower::Service<Request<Full<bytes::Bytes>>>>::Response,
    <Emulator as tower::Service<Request<Full<bytes::Bytes>>>>::Error,
> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let text = format!("{head:?} {}", String::from_utf8_lossy(&body));
    seen.lock().expect("no panic").push(text);
    emulator
        .oneshot(Request::from_parts(head, Full::new(body)))
        .await
}

/// A gate before the servers `eu` and `us`, each with both apps.
struct World {
    eu: Ghes,
    us: Ghes,
    upstream: Upstream,
    proxy: Proxy,
    gate: SocketAddr,
}

/// A route for all apps of each server and for each alone, and one for members of an organization.
const ROUTES: [(&str, &str); 8] = [
    ("/eu", "ghes = 'eu'"),
    ("/eu-a", "ghes = 'eu'\napps = ['Iv1.8a61f9b3a7aba766']"),
    ("/eu-b", "ghes = 'eu'\napps = ['abcde12345fghij67890']"),
    ("/eu-org", "ghes = 'eu'\norgs = ['octo-org']"),
    ("/us", "ghes = 'us'"),
    ("/us-a", "ghes = 'us'\napps = ['Iv1.8a61f9b3a7aba766']"),
    ("/us-b", "ghes = 'us'\napps = ['abcde12345fghij67890']"),
    ("/us-org", "ghes = 'us'\norgs = ['octo-org']"),
];

impl World {
    async fn start() -> Self {
        Self::start_with("", |toml| toml).await
    }

    /// The same with more in the configuration, and with a change to it.
    async fn start_with(more: &str, change: impl FnOnce(String) -> String) -> Self {
        let (eu, us) = (Ghes::start(1).await, Ghes::start(2).await);
        let upstream = Upstream::start().await;
        let app = |id| format!("[[ghes.apps]]\nclient_id = '{id}'\nclient_secret = '{SECRET}'\n");
        let server = |name, ghes: &Ghes| {
            let apps = app(A) + &app(B);
            let url = ghes.address;
            format!("[[ghes]]\nname = '{name}'\nurl = 'http://{url}'\n{apps}")
        };
        let route = |(path, rules): (&str, &str)| {
            let upstream = upstream.address;
            format!("[[routes]]\npath = '{path}'\nupstream = 'http://{upstream}'\n{rules}\n")
        };
        let routes: String = ROUTES.map(route).concat();
        let toml = format!("{}{}{routes}{more}", server("eu", &eu), server("us", &us));
        let toml = format!("[server]\nworkers = 1\n{}", change(toml));
        let config = Config::parse(&toml, []).expect("a configuration");
        let proxy = Proxy::new(&config).expect("a proxy");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = listener.local_addr().expect("an address");
        tokio::spawn(proxy.clone().serve(listener, std::future::pending()));
        Self {
            eu,
            us,
            upstream,
            proxy,
            gate,
        }
    }

    async fn get(&self, path: &str, token: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
        Client::to(self.gate).await.exchange(&request).await
    }

    async fn status(&self, path: &str, token: &str) -> u16 {
        status(&self.get(path, token).await)
    }

    async fn admin(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let admin = self.proxy.admin();
        tokio::spawn(admin.serve(listener, std::future::pending()));
        Client::to(address).await
    }
}
